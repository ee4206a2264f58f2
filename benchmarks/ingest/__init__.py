"""How much of the two models' own speed is left when a catalogue goes through the whole mesh."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from benchmarks.benchmark import Benchmark, Tell
from benchmarks.catalogue import data_folder, data_option, name_of
from benchmarks.ingest import mesh
from benchmarks.ingest.report import IngestReport
from benchmarks.ingest.results import FloorRun, MeshRun
from benchmarks.ingest.sample import write_sample
from benchmarks.machine import machine
from benchmarks.options import count
from benchmarks.rounds import interleave
from modalmesh.data_folder import DataFolder

_OPTIONS = (
    data_option(),
    click.Option(
        ["--limit"],
        metavar="N",
        type=click.IntRange(min=1),
        help="Take N items, spread evenly over the folder. [default: all]",
    ),
    count("--rounds", "Measure floor and mesh N times each, by turns.", default=3),
)


def run(tell: Tell, *, data: Path | None, limit: int | None, rounds: int) -> IngestReport:
    """Measure.

    Raises:
        NotFound: there is no data at `data`.
        NotComparable: floor and mesh didn't do the same work.
        ModalmeshError: a mesh doesn't start or doesn't answer.
    """
    # torch and transformers take seconds, for which `--help` needn't wait.
    from benchmarks.ingest.floor import Floor

    where = machine()
    floor_runs: list[FloorRun] = []
    mesh_runs: list[MeshRun] = []
    with _folder(data, limit) as folder:
        tell("loading the floor's models")
        with Floor() as floor:

            def run_floor() -> float:
                floor_runs.append(floor.run(folder))
                return floor_runs[-1].used.seconds

            def run_mesh() -> float:
                mesh_runs.append(mesh.run(folder))
                return mesh_runs[-1].used.seconds

            interleave({"floor": run_floor, "mesh": run_mesh}, rounds, tell)
    return IngestReport(where, name_of(data), floor.text, floor.image, floor_runs, mesh_runs)


@contextmanager
def _folder(data: Path | None, limit: int | None) -> Iterator[DataFolder]:
    """The items to take."""
    with data_folder(data) as source, tempfile.TemporaryDirectory(prefix="modalmesh-benchmark-") as place:
        yield write_sample(source, limit, Path(place, "sample")) if limit else source


BENCHMARK = Benchmark(
    name="ingest",
    summary="A catalogue into a fresh mesh, against the best loop around its models.",
    example="ingest --data data/movielens-posters --limit 3000 --json",
    options=_OPTIONS,
    run=run,
)
