"""The queue on a simulated clock: callers come, leave and are late, while one device works."""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modalmesh.errors import DeadlineExceeded, Overloaded
from modalmesh_services.common.engine.metrics import EngineMetrics
from modalmesh_services.common.engine.queue import Call, Entry, Queue
from modalmesh_services.common.engine.work import EngineLimits, Job

LIMITS = EngineLimits(queue_cost=1000, batch_inputs=4, batch_length=400, overhead_length=20)
NEVER = 1e9


@dataclass
class Caller:
    """One call, and what became of it."""

    lengths: list[int]
    at: float
    patience: float
    leaves_after: float
    notified: int = 0
    refused: bool = False
    call: Call[int, int, int] | None = None


@dataclass
class World:
    """A device that takes 1 ms a token, padding included. Jobs of equal length are the same content."""

    limits: EngineLimits = LIMITS
    now: float = 0.0
    busy_until: float = 0.0
    batches: list[Sequence[Entry[int, int, int]]] = field(default_factory=list)
    on_device: Sequence[Entry[int, int, int]] = ()
    computed: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.metrics = EngineMetrics()
        self.queue: Queue[int, int, int] = Queue(self.limits, self.metrics)

    def arrive(self, caller: Caller) -> None:
        def notify() -> None:
            caller.notified += 1

        jobs = [Job(length, length, length) for length in caller.lengths]
        call: Call[int, int, int] = Call(self.now + caller.patience, notify)
        try:
            self.queue.admit(jobs, call, self.now)
        except Overloaded:
            caller.refused = True
            return
        caller.call = call

    def leave(self, caller: Caller) -> None:
        if caller.call and not caller.notified:
            self.queue.leave(caller.call, "left")
            caller.call = None

    def work(self, until: float) -> None:
        """Let the device go on until this time."""
        while self.busy_until <= until:
            if self.on_device:
                self._finish()
            while self.queue.has_unprepared():
                for entry in self.queue.take_unprepared():
                    self.queue.prepared(entry, entry.job.raw, entry.job.raw, entry.job.raw)
            taken = self.queue.take_batch(max(self.busy_until, self.now), 1)
            self.queue.answer_late(taken.late)
            if not taken.entries:
                break
            self._begin(taken.entries)
        self.now = max(self.now, until)

    def _begin(self, batch: Sequence[Entry[int, int, int]]) -> None:
        assert len(batch) == 1 or len(batch) * max(one.length for one in batch) <= self.limits.batch_length
        self.on_device = batch
        self.batches.append(batch)
        begun = max(self.busy_until, self.now)
        self.busy_until = begun + len(batch) * max(one.length for one in batch) / 1000

    def _finish(self) -> None:
        batch, self.on_device = self.on_device, ()
        padded = len(batch) * max(one.length for one in batch)
        self.queue.ran(batch, padded / 1000)
        self.queue.answer(batch, [entry.job.raw for entry in batch], self.busy_until)


def simulate(callers: Sequence[Caller], limits: EngineLimits = LIMITS) -> World:
    world = World(limits)
    events = [(caller.at, number, "arrive") for number, caller in enumerate(callers)]
    events += [
        (caller.at + min(caller.leaves_after, caller.patience), number, "leave")
        for number, caller in enumerate(callers)
    ]
    heapq.heapify(events)
    while events:
        at, number, what = heapq.heappop(events)
        world.work(at)
        (world.arrive if what == "arrive" else world.leave)(callers[number])
    world.work(NEVER)
    return world


CALLERS = st.lists(
    st.builds(
        Caller,
        lengths=st.lists(st.integers(1, 120), min_size=1, max_size=6),
        at=st.floats(0, 2),
        patience=st.sampled_from([0.05, 0.3, 2.0, NEVER]),
        leaves_after=st.sampled_from([0.01, 0.2, NEVER, NEVER, NEVER]),
    ),
    max_size=40,
)


@settings(max_examples=100)
@given(CALLERS)
def test_every_caller_who_stays_is_answered_exactly_once(callers: list[Caller]) -> None:
    simulate(callers)
    for caller in callers:
        left = caller.call is None
        assert caller.notified == (0 if left else 1)
        if caller.call and not caller.call.error:
            assert [entry.result for entry in caller.call.entries] == caller.lengths


@settings(max_examples=100)
@given(CALLERS)
def test_nothing_stays_behind(callers: list[Caller]) -> None:
    world = simulate(callers)
    assert (world.metrics.queue_cost, world.metrics.queue_inputs) == (0, 0)
    assert not world.queue.has_unprepared()
    assert not world.queue.take_batch(NEVER, 1).entries


@settings(max_examples=100)
@given(CALLERS)
def test_no_wait_is_longer_than_what_was_admitted_before_takes(callers: list[Caller]) -> None:
    world = simulate([Caller(one.lengths, one.at, NEVER, NEVER) for one in callers])
    # What is waiting at any time is bounded by cost, and each batch takes the oldest, with at most four of its length.
    waits = world.metrics.queue_seconds
    longest = 4 * (LIMITS.queue_cost + 6 * 120) / 1000
    assert waits.bounds[-1] > 2 * longest
    beyond = [count for bound, count in zip((*waits.bounds, NEVER), waits.counts, strict=True) if bound > 2 * longest]
    assert sum(beyond) == 0


def caller(*lengths: int, patience: float = NEVER) -> Caller:
    return Caller(list(lengths), 0.0, patience, NEVER)


def test_who_leaves_frees_the_place_at_once() -> None:
    world, leaving = World(), caller(100)
    for one in (caller(120), leaving):
        world.arrive(one)
    world.work(0.0)
    before = world.metrics.queue_cost
    world.leave(leaving)
    assert (before, world.metrics.queue_cost) == (220, 120)


def test_what_two_wait_for_stays_when_one_of_them_leaves() -> None:
    world, leaving, staying = World(), caller(100), caller(100)
    for one in (caller(120), leaving, staying):
        world.arrive(one)
    world.leave(leaving)
    world.work(NEVER)
    assert (staying.notified, world.metrics.queue_cost) == (1, 0)
    assert sum(entry.length == 100 for batch in world.batches for entry in batch) == 1


def test_a_call_that_the_queue_makes_late_is_refused_at_the_door() -> None:
    world = World()
    learn(world)
    world.arrive(caller(*range(61, 71)))
    late, in_time = caller(50, patience=0.3), caller(51, patience=3.0)
    for one in (late, in_time):
        world.arrive(one)
    assert (late.refused, in_time.refused) == (True, False)
    assert world.metrics.refusals["too_late"] == 1


def test_an_idle_device_tries_whatever_the_deadline_is() -> None:
    world = World()
    learn(world)
    hasty = caller(100, patience=0.001)
    world.arrive(hasty)
    assert not hasty.refused


def test_what_would_be_late_never_reaches_the_device() -> None:
    world = World()
    learn(world)
    late, other = caller(100, patience=0.35), caller(40)
    world.arrive(late)
    world.arrive(other)
    world.now = 0.3 + world.now
    world.work(NEVER)
    assert isinstance(late.call and late.call.error, DeadlineExceeded)
    assert [entry.length for entry in world.batches[-1]] == [40]


def test_what_a_patient_caller_waits_for_too_is_not_dropped() -> None:
    world = World()
    learn(world)
    hasty, patient = caller(100, patience=0.35), caller(100)
    for one in (hasty, patient, caller(40)):
        world.arrive(one)
    world.now += 0.3
    world.work(NEVER)
    assert patient.call
    assert ([entry.result for entry in patient.call.entries], patient.call.error) == ([100], None)


def test_a_full_queue_says_when_it_will_be_empty() -> None:
    world = World()
    learn(world)
    world.arrive(caller(*range(81, 92)))
    jobs = [Job("more", 100, 100)]
    with pytest.raises(Overloaded, match="is full") as refused:
        world.queue.admit(jobs, Call(NEVER, lambda: None), world.now)
    # It does some 1,000 of the cost a second, a little less by padding.
    assert 0.9 <= refused.value.retry_after <= 1.3


def enter_bulk(world: World, *lengths: int) -> int:
    """How many parts of a stream find room, one after another."""
    calls = [([Job(length, length, length)], Call[int, int, int](NEVER, lambda: None)) for length in lengths]
    return sum(world.queue.admit_bulk(jobs, call, world.now) for jobs, call in calls)


def test_bulk_waits_outside_when_it_would_take_others_too_long() -> None:
    world = World(EngineLimits(queue_cost=10_000, batch_inputs=4, batch_length=400, overhead_length=20))
    learn(world)
    # 1 s of 1,000 a second, a little less by padding.
    assert enter_bulk(world, *range(40, 70)) in (18, 19, 20)
    single = caller(39)
    world.arrive(single)
    assert (single.refused, enter_bulk(world, 45)) == (False, 1)


def test_bulk_keeps_the_device_busy_however_long_it_takes() -> None:
    world = World(EngineLimits(queue_cost=10_000, batch_inputs=4, batch_length=4_000))
    learn(world)
    assert enter_bulk(world, *range(900, 920)) == 4
    world.work(NEVER)
    world.arrive(caller(50))
    assert enter_bulk(world, *range(900, 920)) == 4


def learn(world: World) -> None:
    """Let it see how fast the device is."""
    for first in (1, 21, 41):
        world.arrive(caller(*range(first, first + 20)))
        world.work(world.now + 10)
        world.busy_until = world.now
