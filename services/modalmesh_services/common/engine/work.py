"""What the engine works on, and how much of it at once."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from modalmesh.errors import ModalmeshError

Raw = TypeVar("Raw")
Ready = TypeVar("Ready")
Out = TypeVar("Out")
Raw_contra = TypeVar("Raw_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)

# By kind of device: a core has nothing to give while it computes, a GPU's host finishes meanwhile.
THREADS_A_DEVICE = {"cpu": 1, "cuda": 2}


class Pipeline(Protocol[Raw_contra, Ready, Out_co]):
    """The work itself. `prepare` and `encode` run in threads and give one result an input, in order."""

    def prepare(self, inputs: Sequence[Raw_contra]) -> Sequence[Ready | ModalmeshError]: ...

    def length(self, ready: Ready) -> int:
        """What the device pads to at least: inputs of similar length are encoded together."""

    def real_length(self, ready: Ready) -> int:
        """What of it is the input's own."""

    def encode(self, batch: Sequence[Ready]) -> Sequence[Out_co | ModalmeshError]:
        """Run the device, and make answers of its arrays."""


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """`queue_cost` bounds what is admitted and not answered yet, in the jobs' own unit (tokens, pixels).

    A batch is at most `batch_inputs`, and at most `batch_length` when all are padded to the longest. What it takes by
    itself, however short it is, equals `overhead_length`: rather than to pad more, a batch is cut in two.
    `window_length` is how far ahead of the device inputs are prepared: what is larger sorts better, and takes more
    memory. `devices` compute at once (a GPU, or a CPU's cores); a second thread for each finishes a batch while the
    next is computed.
    """

    queue_cost: int
    batch_inputs: int = 32
    batch_length: int = 1 << 30
    overhead_length: int = 1 << 30
    window_length: int = 1 << 17
    prepare_inputs: int = 64
    prepare_threads: int = 2
    devices: int = 1
    threads_a_device: int = 1


@dataclass(frozen=True, slots=True)
class Job(Generic[Raw]):
    """One input. Jobs of one key are the same work, and done once while it is in flight.

    `cost` is what it takes of the queue; `time` is in proportion to the time that it takes, where that isn't its cost.
    """

    key: Hashable
    cost: int
    raw: Raw
    time: int = 0

    @property
    def takes(self) -> int:
        return self.time or self.cost
