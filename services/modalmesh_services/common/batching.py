"""One queue in front of one device: concurrent calls become sorted micro-batches. Knows no grpc.

Work passes through two stages that overlap: preparing (tokenising, decoding) and encoding, each on threads of its own.
A GPU has one device thread; on a CPU each device thread is one core, which works on a micro-batch of its own. All state
belongs to the event loop, so there are no locks.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from modalmesh.errors import DeadlineExceeded, InternalError, ModalmeshError, Overloaded, Unavailable
from modalmesh_services.common.deadline import Deadline

logger = logging.getLogger(__name__)

Raw = TypeVar("Raw")
Ready = TypeVar("Ready")
Out = TypeVar("Out")
Raw_contra = TypeVar("Raw_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)


class Pipeline(Protocol[Raw_contra, Ready, Out_co]):
    """The work itself. `prepare` and `encode` run in threads and give one result an input, in order."""

    def prepare(self, inputs: Sequence[Raw_contra]) -> Sequence[Ready | ModalmeshError]: ...

    def length(self, ready: Ready) -> int:
        """What the device pads to: inputs of similar length are encoded together."""

    def encode(self, batch: Sequence[Ready]) -> Sequence[Out_co | ModalmeshError]: ...


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """`queue_cost` bounds what is admitted and not answered yet, in the jobs' own unit (tokens, pixels)."""

    queue_cost: int
    batch_inputs: int = 32
    window_inputs: int = 512
    prepare_inputs: int = 64
    prepare_threads: int = 2
    device_threads: int = 1


@dataclass(frozen=True, slots=True)
class Job(Generic[Raw]):
    """One input. Jobs of one key are the same work, and done once while it is in flight."""

    key: Hashable
    cost: int
    raw: Raw


@dataclass(slots=True, eq=False)
class _Entry(Generic[Raw, Out]):
    job: Job[Raw]
    future: asyncio.Future[Out | ModalmeshError]
    waiters: int = 0


@dataclass(slots=True, eq=False)
class _Prepared(Generic[Raw, Ready, Out]):
    entry: _Entry[Raw, Out]
    ready: Ready
    length: int


class Batcher(Generic[Raw, Ready, Out]):
    """Admits jobs by cost, encodes them in micro-batches, and answers each of them, whatever happens."""

    def __init__(self, pipeline: Pipeline[Raw, Ready, Out], limits: BatchLimits) -> None:
        self._pipeline = pipeline
        self._limits = limits
        self._in_flight: dict[Hashable, _Entry[Raw, Out]] = {}
        self._cost = 0
        self._cost_per_second = math.inf
        self._unprepared: asyncio.Queue[_Entry[Raw, Out]] = asyncio.Queue()
        self._prepared: list[_Prepared[Raw, Ready, Out]] = []
        self._has_prepared = asyncio.Event()
        self._prepare_threads = ThreadPoolExecutor(limits.prepare_threads, "prepare")
        self._device_threads = ThreadPoolExecutor(limits.device_threads, "device")
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        preparing = [self._prepare_forever() for _ in range(self._limits.prepare_threads)]
        encoding = [self._encode_forever() for _ in range(self._limits.device_threads)]
        self._tasks = [asyncio.create_task(work) for work in (*preparing, *encoding)]

    async def stop(self) -> None:
        """End at once; what is still in flight is answered Unavailable."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for pool in (self._prepare_threads, self._device_threads):
            pool.shutdown(wait=False, cancel_futures=True)
        for entry in list(self._in_flight.values()):
            self._resolve(entry, Unavailable("encoder", "the server is stopping"))

    async def submit(self, jobs: Sequence[Job[Raw]], deadline: Deadline) -> list[Out | ModalmeshError]:
        """One result a job, in order: its output, or why there is none.

        Raises:
            Overloaded: the queue is full; says when to come back.
            DeadlineExceeded: the time ran out first.
            Unavailable: the server isn't ready, or stopped first.
        """
        deadline.check()
        if not self._tasks:
            raise Unavailable("encoder", "the server is starting or stopping")
        entries = self._admit(jobs)
        try:
            _, late = await asyncio.wait({entry.future for entry in entries}, timeout=deadline.remaining)
        finally:
            for entry in entries:
                entry.waiters -= 1
        if late:
            raise DeadlineExceeded("the caller's deadline has passed")
        results = [entry.future.result() for entry in entries]
        for result in results:
            if isinstance(result, DeadlineExceeded | Unavailable):
                raise result
        return results

    def _admit(self, jobs: Sequence[Job[Raw]]) -> list[_Entry[Raw, Out]]:
        new = {job.key: job for job in jobs if job.key not in self._in_flight}
        cost = sum(job.cost for job in new.values())
        # An idle queue takes whatever the caller's own limits let through, or a large call would never get in.
        if self._cost and self._cost + cost > self._limits.queue_cost:
            seconds = min(max(self._cost / self._cost_per_second, 0.1), 30.0)
            raise Overloaded("the queue is full", retry_after=seconds)
        for job in new.values():
            entry: _Entry[Raw, Out] = _Entry(job, asyncio.get_running_loop().create_future())
            self._in_flight[job.key] = entry
            self._unprepared.put_nowait(entry)
        self._cost += cost
        entries = [self._in_flight[job.key] for job in jobs]
        for entry in entries:
            entry.waiters += 1
        return entries

    def _resolve(self, entry: _Entry[Raw, Out], result: Out | ModalmeshError) -> None:
        """The one way out for every entry."""
        self._cost -= entry.job.cost
        del self._in_flight[entry.job.key]
        entry.future.set_result(result)

    def _is_wanted(self, entry: _Entry[Raw, Out]) -> bool:
        """Whether somebody still waits: callers that left or whose time ran out don't. Else the entry is resolved."""
        if entry.waiters:
            return True
        self._resolve(entry, DeadlineExceeded("nobody waits for this any more"))
        return False

    async def _prepare_forever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            entries = [await self._unprepared.get()]
            while len(entries) < self._limits.prepare_inputs and not self._unprepared.empty():
                entries.append(self._unprepared.get_nowait())
            entries = [entry for entry in entries if self._is_wanted(entry)]
            if not entries:
                continue
            inputs = [entry.job.raw for entry in entries]
            results = await loop.run_in_executor(self._prepare_threads, partial(_run, self._pipeline.prepare, inputs))
            for entry, result in zip(entries, results, strict=True):
                if isinstance(result, ModalmeshError):
                    self._resolve(entry, result)
                else:
                    self._prepared.append(_Prepared(entry, result, self._pipeline.length(result)))
                    self._has_prepared.set()

    async def _encode_forever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._has_prepared.wait()
            batch = self._form()
            if not batch:
                continue
            inputs = [prepared.ready for prepared in batch]
            started = time.monotonic()
            results = await loop.run_in_executor(self._device_threads, partial(_run, self._pipeline.encode, inputs))
            cost = sum(prepared.entry.job.cost for prepared in batch) * self._limits.device_threads
            self._cost_per_second = cost / (time.monotonic() - started)
            for prepared, result in zip(batch, results, strict=True):
                self._resolve(prepared.entry, result)

    def _form(self) -> list[_Prepared[Raw, Ready, Out]]:
        """Take the next micro-batch: of the oldest entries, sorted by length and cut into even pieces, the piece that
        holds the very oldest. So neighbours are of similar length, and nobody is overtaken for ever.
        """
        self._prepared = [prepared for prepared in self._prepared if self._is_wanted(prepared.entry)]
        batch: list[_Prepared[Raw, Ready, Out]] = []
        if self._prepared:
            size = self._limits.batch_inputs
            window = sorted(self._prepared[: self._limits.window_inputs], key=lambda prepared: prepared.length)
            start = window.index(self._prepared[0]) // size * size
            batch = window[start : start + size]
            taken = set(batch)
            self._prepared = [prepared for prepared in self._prepared if prepared not in taken]
        if not self._prepared:
            self._has_prepared.clear()
        return batch


def _run(
    work: Callable[[Sequence[Raw]], Sequence[Out | ModalmeshError]], inputs: Sequence[Raw]
) -> list[Out | ModalmeshError]:
    """Do the work, and never raise: a batch that fails is tried again one by one, so that only the culprit fails."""
    if not inputs:
        return []
    try:
        results = list(work(inputs))
        if len(results) != len(inputs):
            raise RuntimeError(f"{len(results)} results for {len(inputs)} inputs")
    except Exception:
        # Broad, because a model raises whatever it likes, and every caller must get an answer.
        logger.exception("a batch of %d failed", len(inputs))
        if len(inputs) == 1:
            return [InternalError("the model failed on this input")]
        return [result for one in inputs for result in _run(work, [one])]
    return results
