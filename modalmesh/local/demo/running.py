"""One command from nothing to a report."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from modalmesh.client import Client
from modalmesh.ingest import Progress, ingest
from modalmesh.local.demo.asking import ask
from modalmesh.local.demo.catalogues import DEFAULT_SIZE, DemoCatalogue, ShopSize, built_in, of_folder
from modalmesh.local.demo.composing import Run, compose
from modalmesh.local.mesh import read_state, start_mesh, stop_mesh
from modalmesh.local.report import check_writable, write_report
from modalmesh.local.stoppable import stoppable
from modalmesh.tls import tls_of_environment

_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class DemoResult:
    """`items` of the folder are in the catalogue, `failed` lines did not go in, `encoded` were computed by models.

    `unusable_files` have a header that makes them useless; `address` is the mesh's where one still runs, else empty.
    """

    items: int
    failed: int
    encoded: dict[str, int]
    seconds: float
    users: int
    report: Path
    unusable_files: Sequence[str] = ()
    address: str = ""


def run_demo(
    data: Path | None,
    output: Path,
    home: Path,
    keep: bool = False,
    progress: Progress | None = None,
    *,
    shop: ShopSize = DEFAULT_SIZE,
) -> DemoResult:
    """Fill a mesh with the folder `data`, or with the built-in shop, and write the report about it to `output`.

    The mesh of `home` stops at the end, whatever happens, unless `keep`; what it stored stays, so that a second run
    encodes nothing. A mesh that runs there already is used and left running: two can't share one store.

    Raises:
        NotFound: there is no data at `data`.
        ModalmeshError: the mesh doesn't start or doesn't answer.
        OSError: the report can't be written; found out before the work.
    """
    started = time.monotonic()
    tell = progress or _quiet
    output = output.resolve()
    check_writable(output)
    with stoppable():
        catalogue = of_folder(data) if data else built_in(home, shop, partial(tell, "products drawn"))
        with _mesh(home, keep, tell) as mesh:
            namespace, tls = catalogue.namespace, tls_of_environment()
            with Client(mesh.address, namespace, timeout=_TIMEOUT_SECONDS, tls=tls) as client:
                run = _run(client, catalogue, mesh.start_seconds, tell)
            write_report(compose(run), output)
    return DemoResult(
        items=run.summary.items,
        failed=run.summary.failed,
        encoded={"text": run.summary.encoded_texts, "image": run.summary.encoded_images},
        seconds=time.monotonic() - started,
        users=len(catalogue.users),
        report=output,
        unusable_files=run.summary.unusable_files,
        address=mesh.address if mesh.stays else "",
    )


def _run(client: Client, catalogue: DemoCatalogue, start_seconds: float | None, tell: Progress) -> Run:
    summary = ingest(client, catalogue.folder, tell)
    answers = ask(client, catalogue, tell)
    return Run(catalogue, start_seconds, summary, answers, client.status())


@dataclass(frozen=True, slots=True)
class _Mesh:
    """`start_seconds` is none where it ran already; it `stays` when the demo ends."""

    address: str
    start_seconds: float | None
    stays: bool


@contextmanager
def _mesh(home: Path, keep: bool, tell: Progress) -> Iterator[_Mesh]:
    if (running := read_state(home)) is not None:
        yield _Mesh(running.address, None, stays=True)
        return
    started = time.monotonic()
    tell("mesh started", 0, 1)
    try:
        state = start_mesh(home)
        tell("mesh started", 1, 1)
        yield _Mesh(state.address, time.monotonic() - started, stays=keep)
    except BaseException:
        # Also on Ctrl-C: nobody would know of the mesh that is left.
        stop_mesh(home)
        raise
    if not keep:
        stop_mesh(home)


def _quiet(file: str, settled: int, total: int) -> None:
    """Nobody watches."""
