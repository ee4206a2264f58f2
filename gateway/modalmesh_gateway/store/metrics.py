"""What is counted of a Redis server. Read as it is at any time, from any thread."""

from dataclasses import dataclass, field

from modalmesh_services.common.observability.distribution import Distribution

# A round trip to a machine next door takes a fraction of a millisecond.
_SECONDS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


@dataclass(slots=True)
class ServerMetrics:
    """`up` is whether the last round trip was answered, `seconds` how long those took that don't wait for news."""

    up: bool = False
    failures: int = 0
    seconds: Distribution = field(default_factory=lambda: Distribution(_SECONDS))
