"""What encoders and ranker make of a GPU: each alone, and all on one."""

from pathlib import Path

import click

from benchmarks.benchmark import Benchmark, Tell
from benchmarks.gpu.report import GpuReport
from benchmarks.options import count, folder

_OPTIONS = (
    folder("--bundle", "The ranker to measure. [default: zero-shot]"),
    click.Option(
        ["--device"],
        metavar="NAME",
        default="cuda:0",
        show_default=True,
        help="Of the services; cpu, to see that it runs.",
    ),
    count("--seconds", "Load each for N seconds.", default=20),
    count("--callers", "N texts, and N pictures, are under way at once.", default=128),
    count("--rank-callers", "N rankings are under way at once.", default=8),
)


def run(tell: Tell, *, bundle: Path | None, device: str, seconds: int, callers: int, rank_callers: int) -> GpuReport:
    """Measure.

    Raises:
        NotHere: this machine has no such GPU, or nothing that watches it.
        NotFound, InvalidInput: there is no bundle that can be read.
        CannotStart: a server doesn't answer.
    """
    # Only here: torch takes a second to load, which `--help` needn't wait for.
    from benchmarks.gpu.measure import measure

    return measure(bundle, device, seconds, callers, rank_callers, tell)


BENCHMARK = Benchmark(
    name="gpu",
    summary="Throughput, latency, busy share and memory of encoders and ranker on a GPU, each alone and all on one.",
    example="gpu --bundle films.bundle --json",
    options=_OPTIONS,
    run=run,
)
