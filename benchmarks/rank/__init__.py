"""What the ranker service adds to its model: 500 candidates and a history of 50, beside the forward and a raw hop."""

from pathlib import Path

import click

from benchmarks.benchmark import Benchmark, Tell
from benchmarks.rank.report import RankReport

_OPTIONS = (
    click.Option(
        ["--bundle"],
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="A trained ranker to measure besides the zero-shot one.",
    ),
    click.Option(
        ["--data"],
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="A data folder with histories and items. [default: drawn at random]",
    ),
    click.Option(
        ["--rounds"], metavar="N", type=click.IntRange(min=1), default=5, show_default=True, help="Take turns N times."
    ),
    click.Option(
        ["--calls"], metavar="N", type=click.IntRange(min=1), default=100, show_default=True, help="N calls a turn."
    ),
)


def run(tell: Tell, *, bundle: Path | None, data: Path | None, rounds: int, calls: int) -> RankReport:
    """Measure.

    Raises:
        NotFound: there is no data at `data`, or no bundle at `bundle`.
        NotComparable: the data have no history that is long enough.
        CannotStart: a server doesn't answer.
    """
    # Only here: torch takes a second to load, which `--help` needn't wait for.
    from benchmarks.rank.measure import measure

    return measure(bundle, data, rounds, calls, tell)


BENCHMARK = Benchmark(
    name="rank",
    summary="What the ranker service's Rank takes beside its model in process and a raw hop of the same bytes.",
    example="rank --bundle films.bundle --data data/movielens-posters --json",
    options=_OPTIONS,
    run=run,
)
