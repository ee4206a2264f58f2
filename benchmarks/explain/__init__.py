"""Whether what Explain names as decisive moves the score when it is taken away, and what an explanation costs."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from benchmarks.benchmark import Benchmark, Tell
from benchmarks.catalogue import data_folder, data_option, fresh_mesh, name_of
from benchmarks.explain.measure import measure
from benchmarks.explain.report import ExplainReport
from benchmarks.options import count, folder
from modalmesh.client import Client
from modalmesh.data_folder import DataFolder
from modalmesh.ingest import ingest

_OPTIONS = (
    data_option(),
    folder("--bundle", "The trained ranker to explain. [default: the zero-shot one]"),
    click.Option(
        ["--address"],
        metavar="HOST:PORT",
        help="A mesh on this machine that DIR is in already. [default: one of its own, which DIR goes into]",
    ),
    count("--cases", "Explain N items.", default=1000),
    count("--curves", "Draw deletion and insertion curves of the first N.", default=200, least=0),
    count("--timed", "Time the calls for N of them.", default=100),
)


def run(
    tell: Tell, *, data: Path | None, bundle: Path | None, address: str | None, cases: int, curves: int, timed: int
) -> ExplainReport:
    """Measure.

    Raises:
        NotFound: there is no data at `data`.
        NotComparable: nobody has a history to explain by.
        ModalmeshError: a mesh doesn't start or doesn't answer.
    """
    with data_folder(data) as source, _mesh(source, bundle, address, tell) as where:
        return asyncio.run(measure(where, source, name_of(data), cases, curves, timed, tell))


@contextmanager
def _mesh(source: DataFolder, bundle: Path | None, address: str | None, tell: Tell) -> Iterator[str]:
    """The address of a mesh with the folder in it."""
    if address:
        yield address
        return
    with fresh_mesh(bundle) as state:
        with Client(state.address) as client:
            tell(f"filling a mesh with {source.path}")
            ingest(client, source)
        yield state.address


BENCHMARK = Benchmark(
    name="explain",
    summary="Whether what Explain names moves the score when it is taken away, and what it costs.",
    example="explain --cases 1000 --json",
    options=_OPTIONS,
    run=run,
)
