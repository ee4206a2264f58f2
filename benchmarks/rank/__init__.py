"""What the ranker service adds to its model: 500 candidates and a history of 50, beside the forward and a raw hop."""

from pathlib import Path

from benchmarks.benchmark import Benchmark, Tell
from benchmarks.options import count, folder
from benchmarks.rank.report import RankReport

_OPTIONS = (
    folder("--bundle", "A trained ranker to measure besides the zero-shot one."),
    folder("--data", "A data folder with histories and items. [default: drawn at random]"),
    count("--rounds", "Take turns N times.", default=5),
    count("--calls", "N calls a turn.", default=100),
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
