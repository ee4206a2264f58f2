"""What the engine counts. Read as it is at any time, from any thread; who shows it is not known here."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from modalmesh_services.common.observability.distribution import Distribution

Refusal = Literal["full", "too_late", "expired", "left", "failing"]
"""In order: the queue is full, or longer than the deadline; the deadline came first, or the caller left; the model
fails on everything."""

_COSTS = tuple(4.0**power for power in range(1, 15))


@dataclass(slots=True)
class EngineMetrics:
    """`computed` and `real` are lengths with and without padding; times are in seconds."""

    devices: int = 1
    queue_cost: int = 0
    queue_inputs: int = 0
    healthy: bool = True
    queue_seconds: Distribution = field(default_factory=Distribution)
    batch_cost: Distribution = field(default_factory=lambda: Distribution(_COSTS))
    computed: int = 0
    real: int = 0
    device_seconds: float = 0.0
    inputs: int = 0
    joined: int = 0
    failures: int = 0
    refusals: Counter[Refusal] = field(default_factory=Counter)
