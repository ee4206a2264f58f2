"""The client process: it sends bytes and takes the answer's, many at once, and does nothing else."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import grpc
import uvloop

from benchmarks.hop import OPTIONS, answer
from benchmarks.workers import OwnProcess

_CALL_SECONDS = 30.0


class Client(OwnProcess):
    """Calls servers from a process of its own."""

    def answers(self, address: str, method: str) -> bool:
        """Whether a server does, yet; `method` is the full name of one that takes nothing."""
        return self._ask(answer, address, method, b"", _CALL_SECONDS) is not None

    def seconds(self, address: str, method: str, request: bytes, calls: int, callers: int) -> float:
        """What so many calls take, of which `callers` are under way at once; connecting isn't among it."""
        return self._ask(_seconds, address, method, request, calls, callers)


def _seconds(address: str, method: str, request: bytes, calls: int, callers: int) -> float:
    return uvloop.run(_call_all(address, method, request, calls, callers))


async def _call_all(address: str, method: str, request: bytes, calls: int, callers: int) -> float:
    async with grpc.aio.insecure_channel(address, options=OPTIONS) as channel:
        call: Any = channel.unary_unary(method)

        async def keep_calling(numbers: Iterator[int]) -> None:
            for _ in numbers:
                await call(request, timeout=_CALL_SECONDS)

        await keep_calling(iter(range(callers)))
        numbers = iter(range(calls))
        started = time.perf_counter()
        await asyncio.gather(*(keep_calling(numbers) for _ in range(callers)))
        return time.perf_counter() - started
