"""A process that calls one method of one server, over and over, with bytes that are messages already."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import grpc

from benchmarks.hop import OPTIONS, answer
from benchmarks.workers import OwnProcess, run_on_loop

_CALL_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """What became of calls in so many seconds: `latencies` in seconds of those answered, and how many were refused."""

    seconds: float
    latencies: Sequence[float]
    refused: int = 0


class Caller(OwnProcess):
    def answer(self, address: str, method: str, request: bytes) -> bytes | None:
        """None of a call that fails, as it does while a server starts."""
        return self._ask(answer, address, method, request, _CALL_SECONDS)

    def load(self, address: str, method: str, requests: Sequence[bytes], callers: int, seconds: float) -> Load:
        """So many callers, each with one call at a time."""
        return self._ask(_load, address, method, requests, callers, seconds)


def _load(address: str, method: str, requests: Sequence[bytes], callers: int, seconds: float) -> Load:
    return run_on_loop(_call_until(address, method, requests, callers, seconds))


async def _call_until(address: str, method: str, requests: Sequence[bytes], callers: int, seconds: float) -> Load:
    waiting, latencies, refused = cycle(requests), list[float](), 0
    async with grpc.aio.insecure_channel(address, options=OPTIONS) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method, bytes, bytes)
        began = time.perf_counter()

        async def keep_calling() -> None:
            nonlocal refused
            while (started := time.perf_counter()) < began + seconds:
                try:
                    await call(next(waiting), timeout=_CALL_SECONDS)
                    latencies.append(time.perf_counter() - started)
                except grpc.aio.AioRpcError as error:
                    if error.code() != grpc.StatusCode.RESOURCE_EXHAUSTED:
                        raise
                    refused += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(keep_calling())
        return Load(time.perf_counter() - began, latencies, refused)
