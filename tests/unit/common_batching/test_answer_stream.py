import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from modalmesh_services.common.streaming import StreamLimits, answer_stream

FOUR = StreamLimits(4, 1 << 20)


async def numbers(count: int, read: list[int] | None = None) -> AsyncIterator[int]:
    for number in range(count):
        if read is not None:
            read.append(number)
        yield number


async def double(number: int, admitted: Callable[[], None]) -> int:
    admitted()
    return 2 * number


def light(number: int) -> int:
    return 1


async def settle() -> None:
    """Let everything that can go on go on."""
    for _ in range(500):
        await asyncio.sleep(0)


async def test_every_request_is_answered() -> None:
    answers = [answer async for answer in answer_stream(numbers(50), double, light, FOUR)]
    assert sorted(answers) == [2 * number for number in range(50)]


async def test_an_empty_stream_has_no_answers() -> None:
    assert [answer async for answer in answer_stream(numbers(0), double, light, FOUR)] == []


async def test_a_slow_request_does_not_hold_up_the_others() -> None:
    slow = asyncio.Event()

    async def answer(number: int, admitted: Callable[[], None]) -> int:
        admitted()
        if number == 0:
            await slow.wait()
        if number == 2:
            slow.set()
        return number

    answers = [one async for one in answer_stream(numbers(3), answer, light, FOUR)]
    assert answers.index(1) < answers.index(0)


@pytest.mark.parametrize(("limits", "expected"), [(StreamLimits(5, 1 << 20), 5), (StreamLimits(50, 250), 3)])
async def test_no_more_is_read_than_count_and_bytes_allow_while_nobody_takes_answers(
    limits: StreamLimits, expected: int
) -> None:
    read: list[int] = []
    stream = answer_stream(numbers(100, read), double, lambda _: 100, limits)
    assert await anext(stream) == 0
    await settle()
    # The one that was taken made room for another.
    assert len(read) == expected + 1
    assert sorted([one async for one in stream]) == [2 * number for number in range(1, 100)]


async def test_a_request_that_is_heavier_than_all_allowed_is_worked_on_alone() -> None:
    under_way: set[int] = set()
    most = 0

    async def answer(number: int, admitted: Callable[[], None]) -> int:
        nonlocal most
        admitted()
        under_way.add(number)
        most = max(most, len(under_way))
        await asyncio.sleep(0)
        under_way.remove(number)
        return number

    answers = [one async for one in answer_stream(numbers(9), answer, lambda _: 1_000, StreamLimits(50, 250))]
    assert (answers, most) == (list(range(9)), 1)


async def test_the_next_is_not_read_before_the_last_is_admitted() -> None:
    read: list[int] = []
    room = asyncio.Event()

    async def answer(number: int, admitted: Callable[[], None]) -> int:
        if number == 2:
            await room.wait()
        admitted()
        return number

    stream = answer_stream(numbers(9, read), answer, light, StreamLimits(50, 1 << 20))
    assert [await anext(stream), await anext(stream)] == [0, 1]
    await settle()
    assert read == [0, 1, 2]
    room.set()
    assert [one async for one in stream] == list(range(2, 9))


async def test_an_error_ends_the_stream_and_its_work() -> None:
    cancelled = asyncio.Event()

    async def answer(number: int, admitted: Callable[[], None]) -> int:
        admitted()
        if number == 1:
            raise ValueError("one")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return number

    with pytest.raises(ValueError, match="one"):
        [one async for one in answer_stream(numbers(2), answer, light, FOUR)]
    await asyncio.wait_for(cancelled.wait(), 1)


async def test_a_request_that_cannot_be_read_ends_the_stream() -> None:
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise ValueError("two")

    with pytest.raises(ValueError, match="two"):
        [one async for one in answer_stream(broken(), double, light, FOUR)]
