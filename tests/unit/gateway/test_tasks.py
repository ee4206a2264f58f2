import asyncio

import pytest

from modalmesh_gateway.tasks import TaskGroup
from modalmesh_services.common.observability.current_call import CurrentCall, current_call, enter_call


async def test_closing_ends_what_runs() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    tasks = TaskGroup()
    tasks.start(work(), name="work")
    await asyncio.sleep(0)
    await tasks.close()
    assert ended.is_set()


async def test_closing_ends_work_whose_library_swallows_a_cancellation() -> None:
    swallowed = 0

    async def work() -> None:
        nonlocal swallowed
        while swallowed < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
        await asyncio.Event().wait()

    tasks = TaskGroup()
    tasks.start(work(), name="work")
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await tasks.close()
    assert swallowed == 2


async def test_a_failure_is_logged_by_name(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        raise RuntimeError("no such luck")

    tasks = TaskGroup()
    tasks.start(work(), name="follow shop")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert "follow shop failed" in caplog.text
    assert "no such luck" in caplog.text
    await tasks.close()


async def test_what_a_call_starts_is_no_longer_its_work() -> None:
    enter_call(CurrentCall("/modalmesh.v1.Recommender/Recommend", "order-7"))
    seen: list[CurrentCall | None] = []

    async def work() -> None:
        seen.append(current_call())

    tasks = TaskGroup()
    tasks.start(work(), name="work")
    await asyncio.sleep(0)
    assert seen == [None]
