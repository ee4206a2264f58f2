"""Moves work between the event loop, which admits and answers, and the threads that do it.

A device's thread takes its next batch from the queue by itself, so that the device doesn't wait for a busy event loop.
All else that happens to the queue happens on the loop, and all of it under the lock.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar

from modalmesh.errors import DeadlineExceeded, InternalError, ModalmeshError, Unavailable
from modalmesh_services.common.deadline import Deadline
from modalmesh_services.common.ending import end_all
from modalmesh_services.common.engine.attempts import attempt
from modalmesh_services.common.engine.metrics import EngineMetrics, Refusal
from modalmesh_services.common.engine.queue import Call, Entry, Queue, Taken, results_of
from modalmesh_services.common.engine.work import EngineLimits, Job, Out, Pipeline, Raw, Ready
from modalmesh_services.common.observability import tracing

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

# So many batches in a row of which nothing came out raise the suspicion that it isn't the inputs.
_SUSPICIOUS_FAILURES = 3
_PROBE_SECONDS = 1.0


class Engine(Generic[Raw, Ready, Out]):
    """Admits jobs by cost, encodes them in batches, and answers each of them, whatever happens.

    `probe` is an input that a sound model encodes: by it a model that fails on everything is told from bad inputs, and
    is seen to work again.
    """

    def __init__(
        self,
        pipeline: Pipeline[Raw, Ready, Out],
        limits: EngineLimits,
        probe: Raw,
        probe_seconds: float = _PROBE_SECONDS,
    ) -> None:
        self._pipeline = pipeline
        self._limits = limits
        self._probe = probe
        self._probe_seconds = probe_seconds
        self.metrics = EngineMetrics(limits.devices)
        self._freed = asyncio.Event()
        self._door = asyncio.Lock()
        self._queue: Queue[Raw, Ready, Out] = Queue(limits, self.metrics, self._freed.set)
        self._lock = threading.Lock()
        self._idle_preparers = limits.prepare_threads
        self._idle_devices = limits.devices * limits.threads_a_device
        self._preparers = ThreadPoolExecutor(limits.prepare_threads, "prepare")
        self._devices = ThreadPoolExecutor(self._idle_devices, "device")
        self._working: set[asyncio.Task[None]] = set()
        self._running = False
        self._failures = 0
        self._probing = False
        self._tell_health: Callable[[bool], Awaitable[None]] | None = None

    def on_health(self, tell: Callable[[bool], Awaitable[None]]) -> None:
        """`tell` whenever the model begins to fail on everything, and when it works again."""
        self._tell_health = tell

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._running = True

    async def stop(self) -> None:
        """End at once; what is still in flight is answered Unavailable."""
        with self._lock:
            self._running = False
            self._queue.answer_all(Unavailable("encoder", "the server is stopping"))
        await end_all(self._working)
        for pool in (self._preparers, self._devices):
            pool.shutdown(wait=False, cancel_futures=True)

    async def submit(
        self, jobs: Sequence[Job[Raw]], deadline: Deadline, admitted: Callable[[], None] | None = None
    ) -> list[Out | ModalmeshError]:
        """One result a job, in order: its output, or why there is none. With `admitted`, which is called then, they are
        a part of bulk and wait for room.

        Raises:
            Overloaded: the queue is full, or longer than the deadline; says when to come back. Never told to bulk.
            DeadlineExceeded: the time ran out first.
            Unavailable: the server isn't ready, its model fails on everything, or it stopped first.
        """
        deadline.check()
        if not jobs:
            return []
        self._check_open(len(jobs))
        answered = asyncio.Event()
        call: Call[Raw, Ready, Out] = Call(deadline.at, answered.set)
        try:
            async with asyncio.timeout_at(deadline.at):
                if admitted:
                    await self._admit_bulk(jobs, call)
                    admitted()
                else:
                    with self._lock:
                        self._queue.admit(jobs, call, time.monotonic())
                self._hand_out()
                await answered.wait()
        except TimeoutError:
            self._leave(call, "expired")
            raise DeadlineExceeded("the caller's deadline has passed") from None
        except asyncio.CancelledError:
            self._leave(call, "left")
            raise
        if call.error:
            self._leave(call, "expired")
            raise call.error
        if tracing.active():
            waited = max(entry.waited_seconds for entry in call.entries)
            ran = max(entry.device_seconds for entry in call.entries)
            tracing.note(queue_ms=waited * 1000, device_ms=ran * 1000)
        return results_of(call)

    def _leave(self, call: Call[Raw, Ready, Out], reason: Refusal) -> None:
        with self._lock:
            self._queue.leave(call, reason)

    async def _admit_bulk(self, jobs: Sequence[Job[Raw]], call: Call[Raw, Ready, Out]) -> None:
        """Wait for room, first come first served."""
        async with self._door:
            # It may have stopped while this one stood in line.
            self._check_open(len(jobs))
            while not self._has_admitted_bulk(jobs, call):
                self._freed.clear()
                await self._freed.wait()
                self._check_open(len(jobs))

    def _has_admitted_bulk(self, jobs: Sequence[Job[Raw]], call: Call[Raw, Ready, Out]) -> bool:
        with self._lock:
            return self._queue.admit_bulk(jobs, call, time.monotonic())

    def _check_open(self, count: int) -> None:
        if not self._running:
            raise Unavailable("encoder", "the server is starting or stopping")
        if not self.metrics.healthy:
            self.metrics.refusals["failing"] += count
            raise _failing(self._probe_seconds)

    def _hand_out(self) -> None:
        """Give idle threads what waits. A lone input goes at once; what comes meanwhile makes the next batch."""
        with self._lock:
            while self._running and self._idle_preparers and self._queue.has_unprepared():
                self._idle_preparers -= 1
                self._work_on(self._prepare(self._queue.take_unprepared()))
            while self._idle_devices:
                taken = self._take_batch(time.monotonic())
                self._queue.answer_late(taken.late)
                if not taken.entries:
                    break
                self._idle_devices -= 1
                self._work_on(_in_thread(self._devices, partial(self._keep_encoding, taken)))

    def _take_batch(self, now: float) -> Taken[Raw, Ready, Out]:
        """For one of the idle devices; nothing when nothing waits."""
        if not self._running:
            return Taken()
        return self._queue.take_batch(now, min(self._idle_devices, self._limits.devices))

    def _work_on(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _prepare(self, entries: Sequence[Entry[Raw, Ready, Out]]) -> None:
        inputs = [entry.job.raw for entry in entries]
        results = await _in_thread(self._preparers, partial(attempt, self._pipeline.prepare, inputs))
        self._idle_preparers += 1
        with self._lock:
            for entry, result in zip(entries, results, strict=True):
                if isinstance(result, ModalmeshError):
                    self._queue.answer([entry], [result], time.monotonic())
                else:
                    self._queue.prepared(
                        entry, result, self._pipeline.length(result), self._pipeline.real_length(result)
                    )
        self._hand_out()

    def _keep_encoding(self, taken: Taken[Raw, Ready, Out]) -> None:
        """In a thread: one batch after the other for as long as something waits."""
        while taken.entries:
            begun = time.monotonic()
            results = attempt(self._pipeline.encode, taken.inputs)
            now = time.monotonic()
            done, taken = taken, self._take_next(taken, begun, now)
            # A loop that is closed has answered all of its callers.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._encoded, done, results, taken.late, now)

    def _take_next(self, done: Taken[Raw, Ready, Out], begun: float, now: float) -> Taken[Raw, Ready, Out]:
        with self._lock:
            self._queue.ran(done.entries, now - begun)
            self._idle_devices += 1
            taken = self._take_batch(now)
            if taken.entries:
                self._idle_devices -= 1
            return taken

    def _encoded(
        self,
        done: Taken[Raw, Ready, Out],
        results: Sequence[Out | ModalmeshError],
        late: Sequence[Entry[Raw, Ready, Out]],
        now: float,
    ) -> None:
        # First work for the threads, then the answers.
        self._hand_out()
        with self._lock:
            self._queue.answer_late(late)
            self._queue.answer(done.entries, results, now)
        self._watch(results)

    def _watch(self, results: Sequence[Out | ModalmeshError]) -> None:
        """Become suspicious when nothing comes out of batch after batch."""
        failed = sum(isinstance(result, InternalError) for result in results)
        self.metrics.failures += failed
        self._failures = self._failures + 1 if failed == len(results) else 0
        if self._failures >= _SUSPICIOUS_FAILURES and not self._probing:
            self._probing = True
            self._work_on(self._probe_until_sound())

    async def _probe_until_sound(self) -> None:
        # Not in a device's thread, which may have work for ever.
        while not await _in_thread(self._preparers, self._is_sound):
            if self.metrics.healthy:
                logger.error("the model fails on everything")
                await self._set_healthy(False)
                with self._lock:
                    self._queue.answer_all(_failing(self._probe_seconds))
            await asyncio.sleep(self._probe_seconds)
        if not self.metrics.healthy:
            logger.warning("the model works again")
            await self._set_healthy(True)
        self._failures = 0
        self._probing = False

    def _is_sound(self) -> bool:
        (ready,) = attempt(self._pipeline.prepare, [self._probe])
        if isinstance(ready, ModalmeshError):
            return False
        (result,) = attempt(self._pipeline.encode, [ready])
        return not isinstance(result, ModalmeshError)

    async def _set_healthy(self, healthy: bool) -> None:
        self.metrics.healthy = healthy
        if self._tell_health:
            await self._tell_health(healthy)


def _failing(retry_after: float) -> Unavailable:
    return Unavailable("encoder", "the model fails on everything", retry_after=retry_after)


async def _in_thread(pool: ThreadPoolExecutor, work: Callable[[], Answer]) -> Answer:
    return await asyncio.get_running_loop().run_in_executor(pool, work)
