import asyncio

import numpy as np
import pytest

from benchmarks.encode.load import Arrival, Inputs, Refused, closed_loop, goodput, one_call, open_loop
from modalmesh.embeddings import FloatMatrix


class Served:
    """Answers each call after `seconds`; `room` is how many calls may be under way, the others are refused."""

    def __init__(self, seconds: float = 0.0, room: int = 1000) -> None:
        self.seconds = seconds
        self.room = room
        self.under_way = self.most_under_way = 0
        self.seen: list[Inputs] = []

    async def encode(self, inputs: Inputs, timeout: float | None = None) -> FloatMatrix:
        if self.under_way >= self.room:
            raise Refused
        self.seen.append(inputs)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            async with asyncio.timeout(timeout):
                await asyncio.sleep(self.seconds)
        finally:
            self.under_way -= 1
        return np.zeros((len(inputs), 4), np.float32)


async def test_a_closed_loop_has_so_many_callers_and_asks_for_each_input_once() -> None:
    served = Served(0.001)
    answers = await closed_loop(served.encode, range(20), callers=3)
    assert served.most_under_way == 3
    assert sorted(inputs[0] for inputs in served.seen) == list(range(20))
    assert (answers.inputs, len(answers.latencies)) == (20, 20)


async def test_a_closed_loops_rate_leaves_out_its_end() -> None:
    async def encode(inputs: Inputs, timeout: float | None = None) -> FloatMatrix:
        await asyncio.sleep(inputs[0])
        return np.zeros((1, 4), np.float32)

    answers = await closed_loop(encode, [0.001] * 29 + [0.3], callers=3)
    assert answers.rate > 3 * answers.inputs / answers.seconds


async def test_one_call_holds_everything() -> None:
    served = Served()
    answers = await one_call(served.encode, "abc")
    assert served.seen == ["abc"]
    assert answers.latencies == (answers.seconds,)


async def test_a_closed_loop_fails_with_a_call() -> None:
    with pytest.raises(ExceptionGroup):
        await closed_loop(Served(room=1).encode, range(4), callers=2)


async def test_an_open_loop_keeps_its_rate_whatever_becomes_of_the_calls() -> None:
    arrivals = await open_loop(Served(0.05, room=2).encode, "ab", rate=200, seconds=0.2, deadline=1.0)
    ends = [one.end for one in arrivals]
    assert len(ends) == 40
    assert ends.count("refused") > ends.count("answered") > 0


async def test_what_takes_longer_than_the_deadline_is_late() -> None:
    arrivals = await open_loop(Served(5.0).encode, "ab", rate=100, seconds=0.05, deadline=0.02)
    assert {one.end for one in arrivals} == {"late"}


def test_goodput_counts_answers_once_calls_could_have_ended_and_while_the_loop_ran() -> None:
    arrivals = [Arrival("answered", at, 0.1) for at in (0.5, 1.0, 2.0, 2.9, 3.0)] + [Arrival("refused", 2.0, 0.1)]
    assert goodput(arrivals, seconds=3.0, deadline=1.0) == 3 / 2.0
