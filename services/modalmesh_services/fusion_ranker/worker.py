"""One thread that works on one call after the other, and a bound on what waits for it. Knows no grpc."""

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from modalmesh.errors import DeadlineExceeded, Overloaded, Unavailable
from modalmesh_services.common.deadline import Deadline
from modalmesh_services.common.observability import tracing
from modalmesh_services.common.observability.distribution import Distribution

Answer = TypeVar("Answer")

_SHORTEST_WAIT, _LONGEST_WAIT = 0.1, 30.0


@dataclass(slots=True)
class WorkerMetrics:
    """What is admitted and not answered, how long calls waited, how long the thread worked, and who was refused."""

    queue_calls: int = 0
    queue_bytes: int = 0
    queue_seconds: Distribution = field(default_factory=Distribution)
    busy_seconds: float = 0.0
    refusals: int = 0


class _Call(Generic[Answer]):
    """Work that waits for the thread. The thread's own queue can't be searched, so it is emptied when nobody waits."""

    def __init__(self, work: Callable[[], Answer], deadline: Deadline) -> None:
        self._work: Callable[[], Answer] | None = work
        self._deadline = deadline
        self.arrived = time.monotonic()
        self.waited = 0.0
        self.seconds = 0.0

    def drop(self) -> None:
        self._work = None

    def __call__(self) -> Answer:
        work = self._work
        if work is None:
            raise DeadlineExceeded("nobody waits for this any more")
        self._deadline.check()
        started = time.monotonic()
        self.waited = started - self.arrived
        try:
            return work()
        finally:
            self.seconds = time.monotonic() - started


class Worker:
    """Calls run in the order in which they came. All state belongs to the event loop, so there are no locks."""

    def __init__(self, name: str, queue_bytes: int) -> None:
        self._name = name
        self._queue_bytes = queue_bytes
        self._admitted = 0
        self._bytes_per_second = math.inf
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._stopping = False
        self.metrics = WorkerMetrics()

    async def stop(self) -> None:
        """Finish what was taken on, and end the thread."""
        self._stopping = True
        await asyncio.to_thread(self._thread.shutdown)

    async def run(self, work: Callable[[], Answer], size: int, deadline: Deadline) -> Answer:
        """Do `work`, whose request takes `size` bytes. It never begins once its caller left or its time ran out.

        Raises:
            Overloaded: too much waits already; says when to come back.
            DeadlineExceeded: the time ran out first.
            Unavailable: the worker was stopped.
        """
        deadline.check()
        self._admit(size)
        call = _Call(work, deadline)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        finally:
            call.drop()
            self._admitted -= size
            self.metrics.queue_bytes = self._admitted
            self.metrics.queue_calls -= 1
            if call.seconds:
                self._bytes_per_second = size / call.seconds
                self.metrics.queue_seconds.add(call.waited)
                self.metrics.busy_seconds += call.seconds
                tracing.note(queue_ms=call.waited * 1000, device_ms=call.seconds * 1000)

    def _admit(self, size: int) -> None:
        if self._stopping:
            raise Unavailable(self._name, "the server is stopping")
        # A lone call always goes in: the limits on a call bound it already.
        if self._admitted and self._admitted + size > self._queue_bytes:
            self.metrics.refusals += 1
            seconds = min(max(self._admitted / self._bytes_per_second, _SHORTEST_WAIT), _LONGEST_WAIT)
            raise Overloaded(f"the {self._name}'s queue is full", retry_after=seconds)
        self._admitted += size
        self.metrics.queue_bytes = self._admitted
        self.metrics.queue_calls += 1
