"""Processes of a benchmark's own, which end with what needs them."""

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

import uvloop

# grpc.aio belongs to the first loop that it meets, so a process has one.
_loop: list[asyncio.AbstractEventLoop] = []

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

SPAWN = multiprocessing.get_context("spawn")
"""No fork: this process may have used gRPC."""


class Workers:
    """A pool that is shut down at the end."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)


class OwnProcess(Workers):
    """One process, which does one thing after the other."""

    def __init__(self) -> None:
        super().__init__(ProcessPoolExecutor(1, SPAWN))
        self.pid = self._ask(os.getpid)

    def _ask(self, function: Callable[Asked, Answer], *args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        """What a module's function answers there."""
        return self._pool.submit(function, *args, **kwargs).result()


def run_on_loop(work: Coroutine[Any, Any, Answer]) -> Answer:
    """On the one loop of this process."""
    if not _loop:
        _loop.append(uvloop.new_event_loop())
    return _loop[0].run_until_complete(work)
