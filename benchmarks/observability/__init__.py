"""What it costs to count, time, name and trace every call: the same server with and without, in turns."""

from benchmarks.benchmark import Benchmark, Tell
from benchmarks.observability.report import ObservabilityReport
from benchmarks.options import count

_OPTIONS = (
    count("--rounds", "Take turns N times.", default=7),
    count("--calls", "N calls a turn.", default=5_000),
    count("--callers", "N calls are under way at once.", default=32),
)


def run(tell: Tell, *, rounds: int, calls: int, callers: int) -> ObservabilityReport:
    """Measure.

    Raises:
        CannotStart: a server doesn't answer.
    """
    # Only here: torch takes a second to load, which `--help` needn't wait for.
    from benchmarks.observability.measure import measure

    return measure(rounds, calls, callers, tell)


BENCHMARK = Benchmark(
    name="observability",
    summary="What metrics, request ids, logs and traces take of a server's calls a second.",
    example="observability --json",
    options=_OPTIONS,
    run=run,
)
