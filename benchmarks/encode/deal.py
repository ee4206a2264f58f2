"""Inputs to sets: no input is in two of them, and all hold about the same work."""

import random
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from benchmarks.benchmark import NotComparable

Input = TypeVar("Input")


class Deal(Generic[Input]):
    """`sets` hands out one set a measurement. When all are used they start again, which `repeated` tells."""

    def __init__(self, inputs: Sequence[Input], size: int, sets: int, work: Callable[[Input], int]) -> None:
        """Raises:
        NotComparable: there is not one set's worth of inputs.
        """
        if len(inputs) < size:
            raise NotComparable(f"{len(inputs)} different inputs are too few for a set of {size}")
        count = min(sets, len(inputs) // size)
        chosen = random.Random(0).sample(list(inputs), count * size)
        ordered = sorted(chosen, key=work)
        self._sets = [ordered[number::count] for number in range(count)]
        for number, each in enumerate(self._sets):
            random.Random(number).shuffle(each)
        self._handed_out = 0
        self.everything = [one for each in self._sets for one in each]

    def next(self) -> list[Input]:
        self._handed_out += 1
        return self._sets[(self._handed_out - 1) % len(self._sets)]

    @property
    def repeated(self) -> bool:
        """Whether a set was handed out twice."""
        return self._handed_out > len(self._sets)
