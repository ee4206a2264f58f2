"""How much of the default ranker's work is products with dense matrices, which a GPU does, by the crowd's size."""

from collections.abc import Sequence

import click

from benchmarks.benchmark import Benchmark, Tell
from benchmarks.crowd.report import CrowdReport
from benchmarks.options import count

_OPTIONS = (
    click.Option(
        ["--users"],
        metavar="N",
        type=click.IntRange(min=10),
        multiple=True,
        default=(600, 4000),
        show_default=True,
        help="Learn from so many; may be repeated. 4000 take minutes to learn from.",
    ),
    count("--items", "A catalogue of N items.", default=10_000, least=100),
    count("--calls", "The least of N calls counts.", default=20),
    click.Option(["--device"], metavar="NAME", default="cpu", show_default=True, help="Measured besides: cuda:0."),
)


def run(tell: Tell, *, users: Sequence[int], items: int, calls: int, device: str) -> CrowdReport:
    """Measure.

    Raises:
        NotHere: there is no such device.
    """
    # Only here: torch takes a second to load, which `--help` needn't wait for.
    from benchmarks.crowd.measure import measure

    return measure(users, items, calls, device, tell)


BENCHMARK = Benchmark(
    name="crowd",
    summary="What the default ranker's models take of a core for a history of 50, and what of it a GPU would do.",
    example="crowd --users 600 --users 4000 --json",
    options=_OPTIONS,
    run=run,
)
