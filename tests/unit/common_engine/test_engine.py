"""What a caller of the engine can rely on."""

import asyncio
import threading
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modalmesh.errors import DeadlineExceeded, InternalError, InvalidInput, ModalmeshError, Overloaded, Unavailable
from modalmesh_services.common.deadline import Deadline
from modalmesh_services.common.engine.engine import Engine
from modalmesh_services.common.engine.work import EngineLimits

from .conftest import Start
from .pipelines import FOREVER, Doubler, jobs


async def test_results_come_in_the_order_of_the_jobs(start: Start) -> None:
    engine = await start(Doubler(), batch_inputs=3)
    assert await engine.submit(jobs(9, 1, 5, 7, 3), FOREVER) == [18, 2, 10, 14, 6]


async def test_a_large_call_is_encoded_sorted_by_length(start: Start) -> None:
    doubler = Doubler()
    engine = await start(doubler, batch_inputs=4)
    await engine.submit(jobs(*range(16, 0, -1)), FOREVER)
    assert sorted(doubler.batches) == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16]]


async def test_the_oldest_goes_first_whatever_its_length(start: Start) -> None:
    doubler = Doubler()
    engine = await start(doubler, batch_inputs=2)
    await engine.submit(jobs(50, 1, 2, 3, 4, 60), FOREVER)
    assert 50 in doubler.batches[0]


async def test_calls_that_wait_together_share_a_batch(start: Start) -> None:
    doubler = Doubler()
    engine = await start(doubler)
    doubler.gate.clear()
    first = asyncio.create_task(engine.submit(jobs(0), FOREVER))
    await asyncio.to_thread(doubler.entered.wait)
    others = [asyncio.create_task(engine.submit(jobs(number), FOREVER)) for number in (1, 2, 3)]
    while doubler.ready < 4:
        await asyncio.sleep(0.001)
    doubler.gate.set()
    await asyncio.gather(first, *others)
    assert doubler.batches == [[0], [1, 2, 3]]


async def test_equal_jobs_of_one_call_are_encoded_once(start: Start) -> None:
    doubler = Doubler()
    engine = await start(doubler)
    assert await engine.submit(jobs(4, 4, 4), FOREVER) == [8, 8, 8]
    assert doubler.encoded == [4]


async def test_equal_jobs_in_flight_are_encoded_once(start: Start) -> None:
    doubler = Doubler()
    engine = await start(doubler)
    doubler.gate.clear()
    calls = [asyncio.create_task(engine.submit(jobs(4, number), FOREVER)) for number in (5, 6)]
    await settle()
    doubler.gate.set()
    assert await asyncio.gather(*calls) == [[8, 10], [8, 12]]
    assert sorted(doubler.encoded) == [4, 5, 6]


async def test_a_joined_job_lives_as_long_as_its_most_patient_caller(start: Start) -> None:
    doubler = Doubler()
    engine = await start(doubler)
    doubler.gate.clear()
    blocker = asyncio.create_task(engine.submit(jobs(0), FOREVER))
    await asyncio.to_thread(doubler.entered.wait)
    hasty = asyncio.create_task(engine.submit(jobs(7), Deadline.after(0.05)))
    await settle()
    patient = asyncio.create_task(engine.submit(jobs(7), FOREVER))
    with pytest.raises(DeadlineExceeded):
        await hasty
    doubler.gate.set()
    assert await patient == [14]
    await blocker


async def test_expired_work_never_reaches_the_device(start: Start) -> None:
    doubler = Doubler()
    engine = await start(doubler)
    doubler.gate.clear()
    blocker = asyncio.create_task(engine.submit(jobs(0), FOREVER))
    await asyncio.to_thread(doubler.entered.wait)
    with pytest.raises(DeadlineExceeded):
        await engine.submit(jobs(1, 2), Deadline.after(0.05))
    doubler.gate.set()
    await blocker
    await engine.submit(jobs(3), FOREVER)
    assert doubler.encoded == [0, 3]


async def test_work_whose_caller_left_never_reaches_the_device(start: Start) -> None:
    doubler = Doubler()
    engine = await start(doubler)
    doubler.gate.clear()
    blocker = asyncio.create_task(engine.submit(jobs(0), FOREVER))
    await asyncio.to_thread(doubler.entered.wait)
    leaving = asyncio.create_task(engine.submit(jobs(1), FOREVER))
    await settle()
    leaving.cancel()
    # The device's thread takes its next batch by itself: the caller must have left by then.
    await asyncio.wait([leaving])
    doubler.gate.set()
    await blocker
    await engine.submit(jobs(3), FOREVER)
    assert doubler.encoded == [0, 3]


async def test_a_deadline_that_has_passed_is_refused_at_once(start: Start) -> None:
    engine = await start(Doubler())
    with pytest.raises(DeadlineExceeded):
        await engine.submit(jobs(1), Deadline.after(-1))


async def test_more_than_the_queue_holds_is_refused_with_a_hint(start: Start) -> None:
    doubler = Doubler()
    engine = await start(doubler, queue_cost=10)
    doubler.gate.clear()
    waiting = asyncio.create_task(engine.submit(jobs(1, 2, cost=4), FOREVER))
    await settle()
    with pytest.raises(Overloaded) as refused:
        await engine.submit(jobs(3, cost=4), FOREVER)
    doubler.gate.set()
    assert 0.1 <= refused.value.retry_after <= 30
    assert await waiting == [2, 4]


async def test_a_refused_call_leaves_nothing_behind(start: Start) -> None:
    doubler = Doubler()
    engine = await start(doubler, queue_cost=10)
    doubler.gate.clear()
    waiting = asyncio.create_task(engine.submit(jobs(1, cost=8), FOREVER))
    await settle()
    with pytest.raises(Overloaded):
        await engine.submit(jobs(2, cost=4), FOREVER)
    doubler.gate.set()
    await waiting
    assert await engine.submit(jobs(2, cost=8), FOREVER) == [4]
    assert doubler.encoded == [1, 2]


async def test_work_in_flight_may_be_joined_when_the_queue_is_full(start: Start) -> None:
    doubler = Doubler()
    engine = await start(doubler, queue_cost=10)
    doubler.gate.clear()
    waiting = asyncio.create_task(engine.submit(jobs(1, cost=10), FOREVER))
    await settle()
    joining = asyncio.create_task(engine.submit(jobs(1, cost=10), FOREVER))
    await settle()
    doubler.gate.set()
    assert await joining == await waiting == [2]


async def test_an_idle_queue_takes_a_call_that_is_larger_than_itself(start: Start) -> None:
    engine = await start(Doubler(), queue_cost=2)
    assert len(await engine.submit(jobs(*range(50)), FOREVER)) == 50


async def test_what_cannot_be_prepared_fails_alone(start: Start) -> None:
    engine = await start(Doubler(bad=[2]))
    first, second, third = await engine.submit(jobs(1, 2, 3), FOREVER)
    assert (first, third) == (2, 6)
    assert isinstance(second, InvalidInput)


async def test_only_the_culprit_of_a_failed_batch_fails(start: Start) -> None:
    doubler = Doubler(poison=[2])
    engine = await start(doubler)
    first, second, third = await engine.submit(jobs(1, 2, 3), FOREVER)
    assert (first, third) == (2, 6)
    assert isinstance(second, InternalError)
    assert doubler.batches == [[1, 2, 3], [1], [2, 3], [2], [3]]


async def test_the_engine_goes_on_after_a_failure(start: Start) -> None:
    engine = await start(Doubler(poison=[2]))
    await engine.submit(jobs(2), FOREVER)
    assert await engine.submit(jobs(4), FOREVER) == [8]


async def test_a_model_that_loses_an_output_is_a_failure_and_not_a_mix_up(start: Start) -> None:
    class Loser(Doubler):
        def encode(self, batch: Sequence[int]) -> list[int | ModalmeshError]:
            return [2 * number for number in (batch[:-1] if len(batch) > 1 else batch)]

    engine = await start(Loser())
    assert await engine.submit(jobs(1, 2, 3), FOREVER) == [2, 4, 6]


async def test_a_preparation_that_raises_fails_only_its_input(start: Start) -> None:
    class Stumbler(Doubler):
        def prepare(self, inputs: Sequence[int]) -> list[int | ModalmeshError]:
            if 2 in inputs:
                raise KeyError("two")
            return list(inputs)

    engine = await start(Stumbler())
    first, second = await engine.submit(jobs(1, 2), FOREVER)
    assert first == 2
    assert isinstance(second, InternalError)


async def test_stopping_answers_what_is_in_flight(start: Start) -> None:
    doubler = Doubler()
    engine = await start(doubler)
    doubler.gate.clear()
    waiting = asyncio.create_task(engine.submit(jobs(1), FOREVER))
    await settle()
    await engine.stop()
    doubler.gate.set()
    with pytest.raises(Unavailable):
        await waiting


async def test_a_engine_that_is_not_started_says_so() -> None:
    engine: Engine[int, int, int] = Engine(Doubler(), EngineLimits(10), probe=1)
    with pytest.raises(Unavailable):
        await engine.submit(jobs(1), FOREVER)


async def test_several_device_threads_work_at_once(start: Start) -> None:
    doubler = Doubler()
    engine = await start(doubler, batch_inputs=1, devices=2)
    doubler.gate.clear()
    calls = asyncio.create_task(engine.submit(jobs(1, 2, 3), FOREVER))
    await settle()
    doubler.gate.set()
    assert await calls == [2, 4, 6]
    assert sorted(doubler.encoded) == [1, 2, 3]


@given(
    calls=st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=30), min_size=1, max_size=6),
    batch=st.integers(1, 7),
    window=st.integers(1, 20),
    threads=st.integers(1, 3),
)
def test_every_call_gets_its_own_results(calls: list[list[int]], batch: int, window: int, threads: int) -> None:
    async def run() -> list[list[int]]:
        limits = EngineLimits(10_000, batch, window, prepare_inputs=3, devices=threads)
        engine: Engine[int, int, int] = Engine(Doubler(bad=[13], poison=[17]), limits, probe=1)
        await engine.start()
        answers = await asyncio.gather(*(engine.submit(jobs(*call), FOREVER) for call in calls))
        await engine.stop()
        return answers  # type: ignore[return-value] # errors are checked below

    for call, answer in zip(calls, asyncio.run(run()), strict=True):
        expected = [InvalidInput if number == 13 else InternalError if number == 17 else int for number in call]
        assert [type(result) for result in answer] == expected
        assert all(result == 2 * number for number, result in zip(call, answer, strict=True) if isinstance(result, int))


async def test_who_leaves_frees_the_place_for_others_at_once(start: Start) -> None:
    doubler = Doubler()
    engine = await start(doubler, queue_cost=10)
    doubler.gate.clear()
    blocker = asyncio.create_task(engine.submit(jobs(0), FOREVER))
    await asyncio.to_thread(doubler.entered.wait)
    leaving = asyncio.create_task(engine.submit(jobs(1, cost=9), FOREVER))
    await settle()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    staying = asyncio.create_task(engine.submit(jobs(2, cost=9), FOREVER))
    await settle()
    doubler.gate.set()
    assert await staying == [4]
    await blocker
    assert doubler.encoded == [0, 2]


async def test_who_leaves_while_it_is_prepared_never_reaches_the_device(start: Start) -> None:
    preparing = threading.Event()

    class Slow(Doubler):
        def prepare(self, inputs: Sequence[int]) -> list[int | ModalmeshError]:
            preparing.set()
            self.gate.wait()
            return list(inputs)

    doubler = Slow()
    doubler.gate.clear()
    engine = await start(doubler)
    leaving = asyncio.create_task(engine.submit(jobs(1), FOREVER))
    await asyncio.to_thread(preparing.wait)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    assert engine.metrics.queue_cost == 0
    doubler.gate.set()
    await engine.submit(jobs(3), FOREVER)
    assert doubler.encoded == [3]


async def test_a_lone_input_does_not_wait_for_company(start: Start) -> None:
    engine = await start(Doubler(), batch_inputs=32)
    begun = time.monotonic()
    for number in range(20):
        await engine.submit(jobs(number), FOREVER)
    assert time.monotonic() - begun < 1


async def test_a_batch_too_large_for_the_memory_goes_through_in_parts(start: Start) -> None:
    class Small(Doubler):
        def encode(self, batch: Sequence[int]) -> list[int | ModalmeshError]:
            if len(batch) > 2:
                raise MemoryError
            return super().encode(batch)

    doubler = Small()
    engine = await start(doubler)
    assert await engine.submit(jobs(1, 2, 3, 4, 5, 6, 7, 8), FOREVER) == [2, 4, 6, 8, 10, 12, 14, 16]
    assert doubler.batches == [[1, 2], [3, 4], [5, 6], [7, 8]]


async def test_a_model_that_fails_on_everything_is_told_and_seen_to_work_again(start: Start) -> None:
    doubler = Doubler(poison=range(100))
    engine = await start(doubler)
    told: asyncio.Queue[bool] = asyncio.Queue()
    engine.on_health(told.put)
    for number in (5, 6, 7):
        assert isinstance((await engine.submit(jobs(number), FOREVER))[0], InternalError)
    assert await asyncio.wait_for(told.get(), 5) is False
    with pytest.raises(Unavailable, match="fails on everything"):
        await engine.submit(jobs(8), FOREVER)
    doubler.poison.clear()
    assert await asyncio.wait_for(told.get(), 5) is True
    assert await engine.submit(jobs(8), FOREVER) == [16]


async def test_a_failing_model_leaves_nobody_waiting(start: Start) -> None:
    doubler = Doubler(poison=range(100))
    engine = await start(doubler, batch_inputs=1)
    answers = await asyncio.gather(
        *(engine.submit(jobs(number), FOREVER) for number in range(40)), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {Unavailable, list}
    assert engine.metrics.queue_inputs == 0


async def test_inputs_that_break_the_model_do_not_make_it_unhealthy(start: Start) -> None:
    engine = await start(Doubler(poison=range(50, 60)))
    for number in range(50, 60):
        await engine.submit(jobs(number), FOREVER)
    assert await engine.submit(jobs(2), FOREVER) == [4]
    assert engine.metrics.healthy


async def test_what_was_done_is_counted(start: Start) -> None:
    engine = await start(Doubler(), batch_inputs=2)
    await engine.submit(jobs(3, 4, 4), FOREVER)
    metrics = engine.metrics
    assert (metrics.inputs, metrics.joined, metrics.real, metrics.computed) == (2, 1, 7, 8)
    assert sum(metrics.queue_seconds.counts) == 2
    assert metrics.device_seconds > 0


def bulk(engine: Engine[int, int, int], number: int, admitted: list[int], cost: int = 4) -> "asyncio.Task[object]":
    """A part of a stream, which notes that it was admitted."""
    return asyncio.create_task(engine.submit(jobs(number, cost=cost), FOREVER, lambda: admitted.append(number)))


async def test_bulk_waits_for_room_in_the_order_in_which_it_came(start: Start) -> None:
    doubler, admitted = Doubler(), list[int]()
    engine = await start(doubler, queue_cost=20, batch_inputs=1)
    doubler.gate.clear()
    calls = [bulk(engine, number, admitted) for number in range(9, 0, -1)]
    await settle()
    assert (admitted, engine.metrics.queue_cost) == ([9, 8], 8)
    doubler.gate.set()
    assert await asyncio.gather(*calls) == [[2 * number] for number in range(9, 0, -1)]
    assert admitted == list(range(9, 0, -1))
    assert not engine.metrics.refusals


async def test_a_small_part_of_bulk_does_not_overtake_a_large_one(start: Start) -> None:
    doubler, admitted = Doubler(), list[int]()
    engine = await start(doubler, queue_cost=20)
    doubler.gate.clear()
    calls = [bulk(engine, number, admitted, cost) for number, cost in ((1, 4), (2, 8), (3, 2))]
    await settle()
    assert admitted == [1]
    doubler.gate.set()
    await asyncio.gather(*calls)
    assert admitted == [1, 2, 3]


async def test_bulk_that_waits_leaves_single_calls_their_room(start: Start) -> None:
    doubler, admitted = Doubler(), list[int]()
    engine = await start(doubler, queue_cost=20)
    doubler.gate.clear()
    waiting = [bulk(engine, number, admitted) for number in range(5)]
    await settle()
    single = asyncio.create_task(engine.submit(jobs(50, cost=12), FOREVER))
    await settle()
    assert engine.metrics.queue_cost == 20
    with pytest.raises(Overloaded):
        await engine.submit(jobs(51, cost=4), FOREVER)
    doubler.gate.set()
    assert await single == [100]
    await asyncio.gather(*waiting)


async def test_bulk_gets_its_share_of_a_queue_that_single_calls_fill(start: Start) -> None:
    doubler, admitted = Doubler(), list[int]()
    engine = await start(doubler, queue_cost=20, batch_inputs=1)
    doubler.gate.clear()
    singles = [asyncio.create_task(engine.submit(jobs(number, cost=5), FOREVER)) for number in range(4)]
    await settle()
    waiting = bulk(engine, 50, admitted)
    await settle()
    assert admitted == []
    doubler.gate.set()
    assert await waiting == [100]
    await asyncio.gather(*singles)


async def test_bulk_waits_no_longer_than_its_deadline(start: Start) -> None:
    doubler = Doubler()
    engine = await start(doubler, queue_cost=20)
    doubler.gate.clear()
    calls = [bulk(engine, number, []) for number in (1, 2)]
    await settle()
    with pytest.raises(DeadlineExceeded):
        await engine.submit(jobs(3, cost=4), Deadline.after(0.05), lambda: pytest.fail("there was no room"))
    doubler.gate.set()
    assert await asyncio.gather(*calls) == [[2], [4]]


async def test_who_leaves_while_it_waits_makes_way_for_the_next(start: Start) -> None:
    doubler, admitted = Doubler(), list[int]()
    engine = await start(doubler, queue_cost=20)
    doubler.gate.clear()
    calls = [bulk(engine, number, admitted) for number in (1, 2, 3, 4)]
    await settle()
    calls[2].cancel()
    doubler.gate.set()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert (answers[3], admitted, doubler.encoded.count(3)) == ([8], [1, 2, 4], 0)


async def test_a_stop_ends_bulk_that_waits(start: Start) -> None:
    doubler = Doubler()
    engine = await start(doubler, queue_cost=20)
    doubler.gate.clear()
    calls = [bulk(engine, number, []) for number in range(5)]
    await settle()
    await engine.stop()
    doubler.gate.set()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(answer) for answer in answers} == {Unavailable}


async def settle() -> None:
    """Let everything that can go on go on."""
    await asyncio.sleep(0.05)
