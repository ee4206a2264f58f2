import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator

import pytest

from modalmesh.errors import DeadlineExceeded, Overloaded, Unavailable
from modalmesh_services.common.deadline import Deadline
from modalmesh_services.fusion_ranker.worker import Worker

FOREVER = Deadline.after(None)


class Gate:
    """Work that waits to be let through, and says that it has begun."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.entered.set()
        assert self.opened.wait(10)
        return "through"


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = Worker("tester", queue_bytes=100)
    yield worker
    await worker.stop()


async def blocked(worker: Worker, size: int = 50) -> tuple[Gate, "asyncio.Task[str]"]:
    """A worker that is busy until the gate is opened."""
    gate = Gate()
    running = asyncio.create_task(worker.run(gate, size, FOREVER))
    await asyncio.to_thread(gate.entered.wait, 10)
    return gate, running


async def test_calls_run_in_their_order_outside_the_event_loop(worker: Worker) -> None:
    done: list[str] = []
    calls = [worker.run(lambda name=name: done.append(name), 1, FOREVER) for name in "abc"]  # type: ignore[misc]
    await asyncio.gather(*calls, worker.run(lambda: done.append(threading.current_thread().name), 1, FOREVER))
    assert done == ["a", "b", "c", "tester_0"]


async def test_the_event_loop_goes_on_meanwhile(worker: Worker) -> None:
    gate, running = await blocked(worker)
    assert not running.done()
    gate.opened.set()
    assert await running == "through"


async def test_what_is_above_the_bound_is_refused_with_a_time_to_come_back(worker: Worker) -> None:
    gate, running = await blocked(worker)
    waiting = asyncio.create_task(worker.run(lambda: "in time", 50, FOREVER))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="tester's queue is full") as refused:
        await worker.run(lambda: "too much", 1, FOREVER)
    assert refused.value.retry_after == pytest.approx(0.1)
    gate.opened.set()
    assert (await running, await waiting) == ("through", "in time")
    assert await worker.run(lambda: "later", 100, FOREVER) == "later"


async def test_the_time_to_come_back_is_how_long_the_queue_takes(worker: Worker) -> None:
    pause = threading.Event()
    await worker.run(lambda: pause.wait(0.1), 10, FOREVER)
    gate, running = await blocked(worker, size=100)
    with pytest.raises(Overloaded) as refused:
        await worker.run(lambda: None, 1, FOREVER)
    gate.opened.set()
    await running
    # 10 bytes took at least 0.1 s, so 100 will take 1 s.
    assert 1.0 <= refused.value.retry_after <= 30.0


async def test_a_lone_call_goes_in_however_large(worker: Worker) -> None:
    assert await worker.run(lambda: "large", 10_000, FOREVER) == "large"


async def test_a_call_whose_time_ran_out_never_begins(worker: Worker) -> None:
    begun: list[str] = []
    gate, running = await blocked(worker)
    late = asyncio.create_task(worker.run(lambda: begun.append("late"), 1, Deadline.after(0.01)))
    await asyncio.sleep(0.02)
    gate.opened.set()
    with pytest.raises(DeadlineExceeded):
        await late
    await running
    assert begun == []


class Request:
    """Stands for what a call holds on to."""


async def test_who_leaves_frees_its_place_and_its_memory_at_once(worker: Worker) -> None:
    gate, running = await blocked(worker)
    request = Request()
    alive = weakref.ref(request)
    leaving = asyncio.create_task(worker.run(lambda request=request: request, 50, FOREVER))  # type: ignore[misc]
    del request
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait({leaving})
    del leaving
    gc.collect()
    assert alive() is None
    next_in = asyncio.create_task(worker.run(lambda: "next", 50, FOREVER))
    gate.opened.set()
    assert (await running, await next_in) == ("through", "next")


async def test_a_failure_is_its_callers_alone(worker: Worker) -> None:
    with pytest.raises(ZeroDivisionError):
        await worker.run(lambda: 1 / 0, 100, FOREVER)
    assert await worker.run(lambda: "fine", 100, FOREVER) == "fine"


async def test_a_stop_finishes_what_was_taken_on_and_ends_the_thread(worker: Worker) -> None:
    gate, running = await blocked(worker)
    waiting = asyncio.create_task(worker.run(lambda: "finished", 1, FOREVER))
    await asyncio.sleep(0)
    stopping = asyncio.create_task(worker.stop())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="stopping"):
        await worker.run(lambda: "too late", 1, FOREVER)
    gate.opened.set()
    await stopping
    assert (await running, await waiting) == ("through", "finished")
    assert not any(thread.name.startswith("tester") for thread in threading.enumerate())


async def test_what_waits_and_who_is_refused_is_counted(worker: Worker) -> None:
    gate, running = await blocked(worker, size=50)
    with pytest.raises(Overloaded):
        await worker.run(lambda: None, 60, FOREVER)
    metrics = worker.metrics
    assert (metrics.queue_calls, metrics.queue_bytes, metrics.refusals) == (1, 50, 1)
    gate.opened.set()
    await running
    assert (metrics.queue_calls, metrics.queue_bytes) == (0, 0)
    assert (sum(metrics.queue_seconds.counts), metrics.busy_seconds > 0) == (1, True)
