"""The one owner of all that is admitted and not answered yet. Pure: it is told the time and knows no threads."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import count
from typing import Generic, cast

from modalmesh.errors import DeadlineExceeded, ModalmeshError, Overloaded, Unavailable
from modalmesh_services.common.engine.metrics import EngineMetrics, Refusal
from modalmesh_services.common.engine.speed import Drain, Speed
from modalmesh_services.common.engine.window import Window
from modalmesh_services.common.engine.work import EngineLimits, Job, Out, Raw, Ready

_SHORTEST_RETRY, _UNKNOWN_RETRY, _LONGEST_RETRY = 0.1, 1.0, 30.0
# The share of a caller's time that its answer may be expected to take. The rest is for what can't be foreseen, and for
# the way back.
_TIME_SHARE = 0.7
# What may not be ready in time is better dropped than computed in vain, as long as there is other work.
_CAUTION = 1.5
# Bulk waits outside rather than to fill the queue: single calls find room, and it delays them by no more than this.
_BULK_SHARE = 0.5
_BULK_SECONDS = 1.0


class Stage(Enum):
    UNPREPARED = auto()
    PREPARING = auto()
    READY = auto()
    RUNNING = auto()
    LATE = auto()
    ANSWERED = auto()


@dataclass(slots=True, eq=False)
class Call(Generic[Raw, Ready, Out]):
    """A caller, who waits until all of its entries are answered, or one in a way that ends the call."""

    deadline: float
    notify: Callable[[], None]
    entries: list["Entry[Raw, Ready, Out]"] = field(default_factory=list)
    left: int = 0
    error: ModalmeshError | None = None


@dataclass(slots=True, eq=False)
class Entry(Generic[Raw, Ready, Out]):
    """An input that is waited for. `deadline` is that of its most patient caller. It `waited_seconds` for the device,
    which worked `device_seconds` on the whole batch.
    """

    job: Job[Raw]
    number: int
    arrived: float
    deadline: float
    bulk: bool = False
    stage: Stage = Stage.UNPREPARED
    calls: list[Call[Raw, Ready, Out]] = field(default_factory=list)
    length: int = 0
    real_length: int = 0
    ready: Ready | None = None
    result: Out | ModalmeshError | None = None
    waited_seconds: float = 0.0
    device_seconds: float = 0.0

    @property
    def order(self) -> tuple[int, int]:
        return self.length, self.number


@dataclass(frozen=True, slots=True)
class Taken(Generic[Raw, Ready, Out]):
    """A batch for a device, empty when nothing waits, and what was found too late and is still to be answered."""

    entries: Sequence[Entry[Raw, Ready, Out]] = ()
    inputs: Sequence[Ready] = ()
    late: Sequence[Entry[Raw, Ready, Out]] = ()


@dataclass(slots=True)
class Held:
    """What some entries take together."""

    inputs: int = 0
    cost: int = 0
    takes: int = 0

    def add(self, job: Job[Raw], sign: int = 1) -> None:
        self.inputs += sign
        self.cost += sign * job.cost
        self.takes += sign * job.takes


class Queue(Generic[Raw, Ready, Out]):
    """Admits by cost and by time, hands out work, and sees to it that every entry is answered exactly once. `freed` is
    called when there is more room than before.
    """

    def __init__(self, limits: EngineLimits, metrics: EngineMetrics, freed: Callable[[], None] = lambda: None) -> None:
        self._limits = limits
        self._metrics = metrics
        self._freed = freed
        self._numbers = count()
        self._in_flight: dict[Hashable, Entry[Raw, Ready, Out]] = {}
        self._unprepared: OrderedDict[Entry[Raw, Ready, Out], None] = OrderedDict()
        self._window: Window[Entry[Raw, Ready, Out]] = Window(
            limits.batch_inputs, limits.batch_length, limits.overhead_length
        )
        self._drain = Drain()
        # Of one device thread, in padded length.
        self._device = Speed()
        self._all = Held()
        self._bulk = Held()
        self._saturation = limits.batch_inputs * limits.devices

    def admit(self, jobs: Sequence[Job[Raw]], call: Call[Raw, Ready, Out], now: float) -> None:
        """Take all of a call or nothing.

        Raises:
            Overloaded: the queue is full, or too long for the caller's deadline; says when to come back.
        """
        new = self._new(jobs)
        self._check_room(new, call.deadline - now)
        self._enter(jobs, new, call, now)

    def admit_bulk(self, jobs: Sequence[Job[Raw]], call: Call[Raw, Ready, Out], now: float) -> bool:
        """Take a part of bulk, if there is room for it; it is too patient to be refused."""
        new = self._new(jobs)
        if not self._has_bulk_room(new):
            return False
        self._enter(jobs, new, call, now, bulk=True)
        return True

    def _new(self, jobs: Sequence[Job[Raw]]) -> list[Job[Raw]]:
        """Those that aren't in flight already."""
        return list({job.key: job for job in jobs if job.key not in self._in_flight}.values())

    def _enter(
        self,
        jobs: Sequence[Job[Raw]],
        new: Sequence[Job[Raw]],
        call: Call[Raw, Ready, Out],
        now: float,
        bulk: bool = False,
    ) -> None:
        if new and not self._in_flight:
            self._drain.begin(now)
        for job in new:
            entry: Entry[Raw, Ready, Out] = Entry(job, next(self._numbers), now, call.deadline, bulk)
            self._in_flight[job.key] = entry
            self._unprepared[entry] = None
            self._count(entry, 1)
        call.entries = [self._in_flight[job.key] for job in jobs]
        waited_for = dict.fromkeys(call.entries)
        for entry in waited_for:
            entry.calls.append(call)
            entry.deadline = max(entry.deadline, call.deadline)
        call.left = len(waited_for)
        self._metrics.joined += len(jobs) - len(new)
        self._show()

    def _count(self, entry: Entry[Raw, Ready, Out], sign: int) -> None:
        self._all.add(entry.job, sign)
        if entry.bulk:
            self._bulk.add(entry.job, sign)

    def _has_bulk_room(self, new: Sequence[Job[Raw]]) -> bool:
        """As for all, and bulk fills only a part of the queue: at least what keeps the devices busy."""
        if not self._all.cost or not new:
            return True
        cost = sum(job.cost for job in new)
        if self._all.cost + cost > self._limits.queue_cost:
            return False
        if not self._bulk.inputs:
            return True
        if self._bulk.cost + cost > _BULK_SHARE * self._limits.queue_cost:
            return False
        expected = self._drain.seconds(self._bulk.takes + sum(job.takes for job in new))
        return self._bulk.inputs < self._saturation or expected is None or expected <= _BULK_SECONDS

    def _check_room(self, new: Sequence[Job[Raw]], remaining: float) -> None:
        # An idle queue takes whatever the caller's own limits let through: a large call would never get in otherwise,
        # and a wrong idea of the speed never be corrected.
        if not self._all.cost or not new:
            return
        waiting = self._drain.seconds(self._all.takes)
        retry_after = _UNKNOWN_RETRY if waiting is None else min(max(waiting, _SHORTEST_RETRY), _LONGEST_RETRY)
        if self._all.cost + sum(job.cost for job in new) > self._limits.queue_cost:
            self._metrics.refusals["full"] += len(new)
            raise Overloaded("the queue is full", retry_after=retry_after)
        expected = self._drain.seconds(self._all.takes + sum(job.takes for job in new))
        if expected is not None and expected > remaining * _TIME_SHARE:
            self._metrics.refusals["too_late"] += len(new)
            raise Overloaded("the queue is longer than the caller's deadline", retry_after=retry_after)

    def leave(self, call: Call[Raw, Ready, Out], reason: Refusal) -> None:
        """The caller waits no more. What nobody else waits for is dropped, unless the device has it already."""
        for entry in dict.fromkeys(call.entries):
            if entry.stage is Stage.ANSWERED:
                continue
            entry.calls.remove(call)
            if not entry.calls and entry.stage not in (Stage.RUNNING, Stage.LATE):
                self._metrics.refusals[reason] += 1
                self._answer(entry, DeadlineExceeded("nobody waits for this any more"))

    def has_unprepared(self) -> bool:
        """Whether something is to be prepared: not while enough of it waits for the device."""
        return bool(self._unprepared) and self._window.length < self._limits.window_length

    def take_unprepared(self) -> list[Entry[Raw, Ready, Out]]:
        """The oldest, which are now being prepared."""
        count = min(self._limits.prepare_inputs, len(self._unprepared))
        taken = [self._unprepared.popitem(last=False)[0] for _ in range(count)]
        for entry in taken:
            entry.stage = Stage.PREPARING
        return taken

    def prepared(self, entry: Entry[Raw, Ready, Out], ready: Ready, length: int, real_length: int) -> None:
        """It may go to the device, unless it was answered meanwhile."""
        if entry.stage is Stage.PREPARING:
            entry.ready, entry.length, entry.real_length, entry.stage = ready, length, real_length, Stage.READY
            self._window.add(entry)

    def take_batch(self, now: float, devices: int) -> Taken[Raw, Ready, Out]:
        """The next batch, which is now on the device. What can't be ready in time any more is taken out before."""
        dropped: list[Entry[Raw, Ready, Out]] = []
        batch = self._window.choose(devices)
        while late := self._late(batch, now):
            for entry in late:
                self._window.remove(entry)
                entry.stage = Stage.LATE
            dropped += late
            batch = self._window.choose(devices)
        for entry in batch:
            self._window.remove(entry)
            entry.stage = Stage.RUNNING
            entry.waited_seconds = now - entry.arrived
            self._metrics.queue_seconds.add(entry.waited_seconds)
        return Taken(batch, [cast("Ready", entry.ready) for entry in batch], dropped)

    def answer_late(self, entries: Sequence[Entry[Raw, Ready, Out]]) -> None:
        """Answer what `take_batch` took out, unless it was answered meanwhile."""
        for entry in entries:
            if entry.stage is Stage.LATE:
                self._metrics.refusals["expired"] += 1
                self._answer(entry, DeadlineExceeded("the answer would come after the caller's deadline"))

    def _late(self, batch: Sequence[Entry[Raw, Ready, Out]], now: float) -> list[Entry[Raw, Ready, Out]]:
        """Those of a batch whose time will be over. Expectations drop only a part of what waits, never all of it, or
        a wrong one would never be corrected.
        """
        expected = _CAUTION * (self._device.seconds(_padded(batch)) or 0.0)
        late = [entry for entry in batch if entry.deadline < now + expected]
        if len(late) == len(self._window):
            return [entry for entry in late if entry.deadline <= now]
        return late

    def ran(self, batch: Sequence[Entry[Raw, Ready, Out]], seconds: float) -> None:
        """The device had a batch for so long."""
        padded = _padded(batch)
        full = 2 * len(batch) >= self._limits.batch_inputs or 2 * padded >= self._limits.batch_length
        self._device.observe(padded, seconds, full)
        metrics = self._metrics
        metrics.device_seconds += seconds
        metrics.batch_cost.add(padded)
        metrics.computed += padded
        metrics.real += sum(entry.real_length for entry in batch)
        for entry in batch:
            entry.device_seconds = seconds

    def answer(
        self, entries: Sequence[Entry[Raw, Ready, Out]], results: Sequence[Out | ModalmeshError], now: float
    ) -> None:
        """Answer entries for which something was done; those answered before, because their caller left, aren't."""
        open_entries = [
            (entry, result) for entry, result in zip(entries, results, strict=True) if entry.stage is not Stage.ANSWERED
        ]
        took = sum(entry.job.takes for entry, _ in open_entries)
        self._metrics.inputs += len(open_entries)
        saturated = len(self._in_flight) >= self._saturation
        for entry, result in open_entries:
            self._answer(entry, result)
        if open_entries:
            self._drain.done(took, now, saturated, not self._in_flight)

    def answer_all(self, error: Unavailable) -> None:
        """End every call that still waits."""
        for entry in list(self._in_flight.values()):
            self._answer(entry, error)

    def _answer(self, entry: Entry[Raw, Ready, Out], result: Out | ModalmeshError) -> None:
        """The one way out for every entry."""
        if entry.stage is Stage.UNPREPARED:
            del self._unprepared[entry]
        elif entry.stage is Stage.READY:
            self._window.remove(entry)
        del self._in_flight[entry.job.key]
        self._count(entry, -1)
        entry.stage, entry.result, entry.ready = Stage.ANSWERED, result, None
        calls, entry.calls = entry.calls, []
        for call in calls:
            call.left -= 1
            if call.error:
                continue
            if isinstance(result, DeadlineExceeded | Unavailable):
                call.error = result
            if not call.left or call.error:
                call.notify()
        self._show()
        self._freed()

    def _show(self) -> None:
        self._metrics.queue_cost = self._all.cost
        self._metrics.queue_inputs = len(self._in_flight)


def results_of(call: Call[Raw, Ready, Out]) -> list[Out | ModalmeshError]:
    """The results of a call whose entries are all answered, in the order of its jobs."""
    return [cast("Out | ModalmeshError", entry.result) for entry in call.entries]


def _padded(batch: Sequence[Entry[Raw, Ready, Out]]) -> int:
    return len(batch) * max((entry.length for entry in batch), default=0)
