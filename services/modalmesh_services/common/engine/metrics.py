"""What the engine counts. Read as it is at any time, from any thread; who shows it is not known here."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Refusal = Literal["full", "too_late", "expired", "left", "failing"]
"""In order: the queue is full, or longer than the deadline; the deadline came first, or the caller left; the model
fails on everything."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_COSTS = tuple(4.0**power for power in range(1, 15))


class Distribution:
    """Counts by upper bound, the last one without."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


@dataclass(slots=True)
class EngineMetrics:
    """`computed` and `real` are lengths with and without padding; times are in seconds."""

    devices: int = 1
    queue_cost: int = 0
    queue_inputs: int = 0
    healthy: bool = True
    queue_seconds: Distribution = field(default_factory=lambda: Distribution(_SECONDS))
    batch_cost: Distribution = field(default_factory=lambda: Distribution(_COSTS))
    computed: int = 0
    real: int = 0
    device_seconds: float = 0.0
    inputs: int = 0
    joined: int = 0
    failures: int = 0
    refusals: Counter[Refusal] = field(default_factory=Counter)
