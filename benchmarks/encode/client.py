"""The client process: it does nothing but call one server at a time."""

import asyncio
import multiprocessing
import os
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

import uvloop

from benchmarks.encode import load
from benchmarks.encode.load import Answers, Arrival, Encode, Inputs
from benchmarks.encode.transports import Target, transport
from modalmesh.embeddings import FloatMatrix

_LOOK_SECONDS = 0.2
Result = TypeVar("Result")
# grpc.aio belongs to the first loop that it meets, so the process has one.
_loop: list[asyncio.AbstractEventLoop] = []


class Client:
    """Loads servers from a process of its own."""

    def __init__(self) -> None:
        # No fork: this process may have used gRPC.
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        self.pid = self._pool.submit(os.getpid).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def wait_until_ready(self, target: Target, sample: Inputs, is_alive: Callable[[], bool], seconds: float) -> bool:
        """Whether a call is answered before so many seconds are over and while the server lives."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self._pool.submit(_look, target, sample).result():
                return True
            if not is_alive():
                return False
        return False

    def vectors(self, target: Target, inputs: Inputs) -> FloatMatrix:
        """A call an input."""
        return self._pool.submit(_vectors, target, inputs).result()

    def closed_loop(self, target: Target, inputs: Inputs, callers: int) -> Answers:
        return self._pool.submit(_closed_loop, target, inputs, callers).result()

    def one_call(self, target: Target, inputs: Inputs) -> Answers:
        return self._pool.submit(_one_call, target, inputs).result()

    def open_loop(self, target: Target, inputs: Inputs, rate: float, seconds: float, deadline: float) -> list[Arrival]:
        return self._pool.submit(_open_loop, target, inputs, rate, seconds, deadline).result()


def _look(target: Target, sample: Inputs) -> bool:
    async def call(encode: Encode) -> bool:
        try:
            await encode(sample, 10.0)
        except Exception:  # noqa: BLE001 - a server that is starting fails in every way there is
            await asyncio.sleep(_LOOK_SECONDS)
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
    if not _loop:
        _loop.append(uvloop.new_event_loop())

    async def connected() -> Result:
        async with transport(target) as way:
            return await work(way.encode)

    return _loop[0].run_until_complete(connected())
