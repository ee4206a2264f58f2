"""A pipeline that needs no model: numbers in, their doubles out, and a record of what reached the device."""

import threading
from collections.abc import Sequence

from modalmesh.errors import InvalidInput, ModalmeshError
from modalmesh_services.common.deadline import Deadline
from modalmesh_services.common.engine.work import Job

FOREVER = Deadline.after(None)


class Doubler:
    """`bad` can't be prepared, `poison` breaks the model. The device waits while `gate` is closed."""

    def __init__(self, bad: Sequence[int] = (), poison: Sequence[int] = ()) -> None:
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.ready = 0
        self._bad, self.poison = set(bad), set(poison)

    @property
    def encoded(self) -> list[int]:
        return [number for batch in self.batches for number in batch]

    def prepare(self, inputs: Sequence[int]) -> list[int | ModalmeshError]:
        return [InvalidInput("", "is bad") if number in self._bad else number for number in inputs]

    def length(self, ready: int) -> int:
        self.ready += 1
        return ready

    def real_length(self, ready: int) -> int:
        return ready

    def encode(self, batch: Sequence[int]) -> list[int | ModalmeshError]:
        self.entered.set()
        self.gate.wait()
        self.batches.append(list(batch))
        if self.poison.intersection(batch):
            raise RuntimeError("the model fell over")
        return [2 * number for number in batch]


def jobs(*numbers: int, cost: int = 1) -> list[Job[int]]:
    return [Job(number, cost, number) for number in numbers]
