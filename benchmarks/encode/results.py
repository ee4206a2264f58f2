"""What was measured, as data. Knows no torch, so that `--help` doesn't wait for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal, TypeAlias

from benchmarks.machine import Reading

Kind: TypeAlias = Literal["text", "image"]


@dataclass(frozen=True, slots=True)
class Run:
    """So many inputs answered in so many seconds. `used` counts processor time by process over the same work, and of
    the client by itself; `latencies` are those of the calls, sorted, in seconds. `busy_rate` is inputs a second while
    all callers were at work, where there were callers.
    """

    inputs: int
    seconds: float
    used: Reading
    client_cpu_seconds: float = 0.0
    latencies: Sequence[float] = ()
    busy_rate: float = 0.0

    @property
    def rate(self) -> float:
        return self.busy_rate or self.inputs / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Milliseconds on a core for an input, without the client's."""
        return 1000 * (self.used.total_cpu_seconds - self.client_cpu_seconds) / self.inputs

    def latency_ms(self, share: float) -> float:
        return 1000 * percentile(self.latencies, share)


@dataclass(frozen=True, slots=True)
class Overload:
    """An open loop at `times` the capacity: answers in time a second, and how it went with the calls."""

    capacity: float
    deadline_ms: float
    goodput: float
    ends: dict[str, int]
    refusal_p99_ms: float | None
    other_cores: float

    @property
    def share(self) -> float:
        return self.goodput / self.capacity


@dataclass(slots=True)
class Contender:
    """One side: what it is, and its runs, one a round. `problem` says why there are none."""

    name: str
    build: str = ""
    problem: str = ""
    cosine: float | None = None
    runs: list[Run] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return median(run.rate for run in self.runs)

    @property
    def cpu_ms(self) -> float:
        return median(run.cpu_ms for run in self.runs)

    def latency_ms(self, share: float) -> float:
        return median(run.latency_ms(share) for run in self.runs)


@dataclass(slots=True)
class Measured:
    """All that was measured of one kind. The floors are in the service's own backend and in torch."""

    kind: Kind
    floors: list[Contender]
    service: Contender
    torch_service: Contender
    peers: list[Contender] = field(default_factory=list)
    sentence_transformers: Contender | None = None
    batch: list[Run] = field(default_factory=list)
    lone_ms: list[float] = field(default_factory=list)
    floor_lone_ms: list[float] = field(default_factory=list)
    overloads: list[Overload] = field(default_factory=list)
    paddings: list[float] = field(default_factory=list)
    echo_rate: float = 0.0
    repeated: bool = False

    @property
    def floor(self) -> Contender:
        """The faster one."""
        return max(self.floors, key=lambda floor: floor.rate)

    @property
    def torch_floor(self) -> Contender:
        return self.floors[-1]

    @property
    def best_peer(self) -> Contender | None:
        """The one with the most answers a second."""
        return max((peer for peer in self.peers if peer.runs), key=lambda peer: peer.rate, default=None)


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that at least this share of the values doesn't exceed."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -int(-share * len(ordered) // 1) - 1))]
