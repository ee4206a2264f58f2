"""The client process: it does nothing but call one server at a time."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from benchmarks.encode import load
from benchmarks.encode.load import Answers, Arrival, Encode, Inputs
from benchmarks.encode.transports import Target, transport
from benchmarks.workers import OwnProcess, run_on_loop
from modalmesh.embeddings import FloatMatrix

Result = TypeVar("Result")


class Client(OwnProcess):
    """Loads servers from a process of its own."""

    def is_answered(self, target: Target, sample: Inputs) -> bool:
        """Not while a server starts."""
        return self._ask(_look, target, sample)

    def vectors(self, target: Target, inputs: Inputs) -> FloatMatrix:
        """A call an input."""
        return self._ask(_vectors, target, inputs)

    def closed_loop(self, target: Target, inputs: Inputs, callers: int) -> Answers:
        return self._ask(_closed_loop, target, inputs, callers)

    def one_call(self, target: Target, inputs: Inputs) -> Answers:
        return self._ask(_one_call, target, inputs)

    def open_loop(self, target: Target, inputs: Inputs, rate: float, seconds: float, deadline: float) -> list[Arrival]:
        return self._ask(_open_loop, target, inputs, rate, seconds, deadline)


def _look(target: Target, sample: Inputs) -> bool:
    async def call(encode: Encode) -> bool:
        try:
            await encode(sample, 10.0)
        except Exception:  # noqa: BLE001 - a server that is starting fails in every way there is
            return False
        return True

    return _run(target, call)


def _vectors(target: Target, inputs: Inputs) -> FloatMatrix:
    import numpy as np

    async def call(encode: Encode) -> FloatMatrix:
        return np.concatenate([await encode([one]) for one in inputs])

    return _run(target, call)


def _closed_loop(target: Target, inputs: Inputs, callers: int) -> Answers:
    return _run(target, lambda encode: load.closed_loop(encode, inputs, callers))


def _one_call(target: Target, inputs: Inputs) -> Answers:
    async def call(encode: Encode) -> Answers:
        # So that connecting isn't timed.
        await encode(inputs[:1])
        return await load.one_call(encode, inputs)

    return _run(target, call)


def _open_loop(target: Target, inputs: Inputs, rate: float, seconds: float, deadline: float) -> list[Arrival]:
    return _run(target, lambda encode: load.open_loop(encode, inputs, rate, seconds, deadline))


def _run(target: Target, work: Callable[[Encode], Awaitable[Result]]) -> Result:
    async def connected() -> Result:
        async with transport(target) as way:
            return await work(way.encode)

    return run_on_loop(connected())
