"""Sides of the encode benchmark as they would have been measured."""

from collections.abc import Sequence

from benchmarks.encode.results import Contender, Measured, Overload, Run
from benchmarks.machine import Reading


def run(rate: float, *, p99: float = 0.1, cpu_ms: float = 10.0, other_cores: float = 0.0) -> Run:
    """A hundred inputs; all calls but the slowest two took a hundredth of a second. The client used 1 ms each."""
    seconds = 100 / rate
    used = Reading(seconds, {"server": cpu_ms / 10, "client": 0.1}, other_cores * seconds)
    return Run(100, seconds, used, 0.1, [0.01] * 98 + [p99] * 2)


def side(name: str, rates: Sequence[float], **figures: float) -> Contender:
    return Contender(name, "some/cpu/bf16", runs=[run(rate, **figures) for rate in rates])


def overload(share: float, refusal_p99_ms: float | None = 5.0) -> Overload:
    return Overload(100.0, 200.0, 100.0 * share, {"answered": 10, "refused": 9}, refusal_p99_ms, 0.0)


def measured(peers: Sequence[Contender] = (), service: Contender | None = None) -> Measured:
    """A machine whose speed changes: of the floor's 100 to 300 a second the service answers 0.9, once 0.6."""
    return Measured(
        "text",
        [side("floor", [200.0, 100.0, 300.0], cpu_ms=9.0), side("torch floor", [150.0, 75.0, 225.0])],
        service or side("service", [180.0, 60.0, 270.0]),
        side("torch service", [120.0, 60.0, 180.0], cpu_ms=20.0),
        peers=list(peers),
        batch=[run(190.0), run(95.0), run(30.0)],
        lone_ms=[6.0, 5.0, 90.0],
        floor_lone_ms=[4.0],
        overloads=[overload(0.8), overload(0.9), overload(0.95, None)],
    )
