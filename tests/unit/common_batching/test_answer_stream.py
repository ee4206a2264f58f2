import asyncio
from collections.abc import AsyncIterator

import pytest

from modalmesh_services.common.streaming import answer_stream


async def numbers(count: int, read: list[int] | None = None) -> AsyncIterator[int]:
    for number in range(count):
        if read is not None:
            read.append(number)
        yield number


async def double(number: int) -> int:
    return 2 * number


async def test_every_request_is_answered() -> None:
    answers = [answer async for answer in answer_stream(numbers(50), double, limit=4)]
    assert sorted(answers) == [2 * number for number in range(50)]


async def test_an_empty_stream_has_no_answers() -> None:
    assert [answer async for answer in answer_stream(numbers(0), double, limit=4)] == []


async def test_a_slow_request_does_not_hold_up_the_others() -> None:
    slow = asyncio.Event()

    async def answer(number: int) -> int:
        if number == 0:
            await slow.wait()
        if number == 2:
            slow.set()
        return number

    answers = [one async for one in answer_stream(numbers(3), answer, limit=3)]
    assert answers.index(1) < answers.index(0)


async def test_no_more_than_the_limit_is_read_ahead() -> None:
    read: list[int] = []
    never = asyncio.Event()

    async def answer(number: int) -> int:
        await never.wait()
        return number

    stream = answer_stream(numbers(100, read), answer, limit=5)
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.05)
    assert len(read) <= 6
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_an_error_ends_the_stream_and_its_work() -> None:
    cancelled = asyncio.Event()

    async def answer(number: int) -> int:
        if number == 1:
            raise ValueError("one")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return number

    with pytest.raises(ValueError, match="one"):
        [one async for one in answer_stream(numbers(2), answer, limit=4)]
    await asyncio.wait_for(cancelled.wait(), 1)
