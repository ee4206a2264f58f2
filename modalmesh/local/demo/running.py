"""One command from nothing to a report."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from modalmesh.client import Client
from modalmesh.ingest import Progress, ingest
from modalmesh.local.demo.asking import ask
from modalmesh.local.demo.catalogues import DEFAULT_SIZE, DemoCatalogue, ShopSize, built_in, of_folder
from modalmesh.local.demo.composing import Run, compose
from modalmesh.local.mesh import read_state, start_mesh, stop_mesh
from modalmesh.local.report import write_report

_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class DemoResult:
    """`items` of the folder are in the catalogue, `failed` lines did not go in, `encoded` were computed by models."""

    items: int
    failed: int
    encoded: dict[str, int]
    seconds: float
    users: int
    report: Path


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
        OSError: the report can't be written.
    """
    started = time.monotonic()
    tell = progress or _quiet
    catalogue = of_folder(data) if data else built_in(home, shop)
    with _mesh(home, keep) as (address, start_seconds):
        with Client(address, catalogue.namespace, timeout=_TIMEOUT_SECONDS) as client:
            run = _run(client, catalogue, start_seconds, tell)
        write_report(compose(run), output)
    return DemoResult(
        items=run.summary.items,
        failed=run.summary.failed,
        encoded={"text": run.summary.encoded_texts, "image": run.summary.encoded_images},
        seconds=time.monotonic() - started,
        users=len(catalogue.users),
        report=output.resolve(),
    )


def _run(client: Client, catalogue: DemoCatalogue, start_seconds: float | None, tell: Progress) -> Run:
    summary = ingest(client, catalogue.folder, tell)
    answers = ask(client, catalogue, tell)
    return Run(catalogue, start_seconds, summary, answers, client.status())


@contextmanager
def _mesh(home: Path, keep: bool) -> Iterator[tuple[str, float | None]]:
    """A mesh's address, and how many seconds it took to start; none where it ran already."""
    if (running := read_state(home)) is not None:
        yield running.address, None
        return
    with _stoppable():
        started = time.monotonic()
        try:
            state = start_mesh(home)
            yield state.address, time.monotonic() - started
        except BaseException:
            # Also on Ctrl-C: nobody would know of the mesh that is left.
            stop_mesh(home)
            raise
        if not keep:
            stop_mesh(home)


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM ends this as Ctrl-C does, so that what must be cleaned up is."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _quiet(file: str, settled: int, total: int) -> None:
    """Nobody watches."""
