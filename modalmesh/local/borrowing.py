"""A mesh for work that needs a folder's vectors: the one that is there, or one that lives as long as the work."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modalmesh.client import Client
from modalmesh.ingest import Progress, ingest
from modalmesh.local.mesh import read_state, start_mesh, stop_mesh
from modalmesh.tls import tls_of_environment

_TIMEOUT_SECONDS = 60.0
_MOST_PASSES = 3


@contextmanager
def borrowed_mesh(
    folder: Path, home: Path, namespace: str, tell: Progress, address: str | None = None
) -> Iterator[str]:
    """The address of a mesh's gateway.

    Where none is named by `address` and none runs in `home`, one is started there without a ranker, the data folder
    goes into the namespace, and it is stopped at the end, whatever happens; what it stored stays, so that the next
    time nothing is encoded.

    Raises:
        NotFound: there is no data in the folder.
        ModalmeshError: the mesh doesn't start or doesn't answer.
    """
    if address is None and (running := read_state(home)) is not None:
        address = running.address
    if address is not None:
        yield address
        return
    tell("mesh started", 0, 1)
    # Interrupted, or where another starts at the same time, it leaves nothing of its own running.
    own = start_mesh(home, ranker=False).address
    try:
        tell("mesh started", 1, 1)
        with Client(own, namespace, timeout=_TIMEOUT_SECONDS, tls=tls_of_environment()) as client:
            _fill(client, folder, tell)
        yield own
    finally:
        stop_mesh(home)


def _fill(client: Client, folder: Path, tell: Progress) -> None:
    """Items that wait for an encoder are sent again: what is there already costs nothing."""
    for _ in range(_MOST_PASSES):
        if not ingest(client, folder, tell).pending:
            return
