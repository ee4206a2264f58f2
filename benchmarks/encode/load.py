"""Ways to load a server, whatever it speaks. Run in a process of their own, so that callers don't wait for anything
else than the server.
"""

import asyncio
import time
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Literal, Protocol, TypeAlias

from modalmesh.embeddings import FloatMatrix

Inputs: TypeAlias = Sequence[Any]
"""Texts, or files' bytes."""

End: TypeAlias = Literal["answered", "refused", "late", "failed"]


# A server that has lost a call doesn't hold the others up for ever.
_LIMIT_SECONDS = 30.0


class Encode(Protocol):
    """A call: inputs to a row each. `timeout` is the caller's deadline in seconds.

    Raises:
        Refused: the server had no room.
        TimeoutError: the deadline has passed.
    """

    def __call__(self, inputs: Inputs, timeout: float | None = None) -> Awaitable[FloatMatrix]: ...


class Refused(Exception):
    """The server had no room for a call."""


@dataclass(frozen=True, slots=True)
class Answers:
    """All of a load's inputs, answered: the seconds that it took, and those of each call. `rate` is inputs a second,
    while all callers were at work.
    """

    inputs: int
    seconds: float
    latencies: tuple[float, ...]
    rate: float


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call of an open loop; `ended_at` counts from the loop's start."""

    end: End
    ended_at: float
    latency: float


async def closed_loop(encode: Encode, inputs: Inputs, callers: int) -> Answers:
    """So many callers, each with one input at a time, until all inputs are answered; raises when a call fails."""
    waiting = iter(inputs)
    latencies: list[float] = []
    started_at: list[float] = []

    async def call() -> None:
        for one in waiting:
            started = time.perf_counter()
            started_at.append(started)
            await encode([one], _LIMIT_SECONDS)
            latencies.append(time.perf_counter() - started)

    loop_started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(call())
    seconds = time.perf_counter() - loop_started
    # When the last call starts all others are at work, and what they were not given is answered.
    answered, took = len(inputs) - callers, started_at[-1] - loop_started
    rate = answered / took if answered > 0 else len(inputs) / seconds
    return Answers(len(inputs), seconds, tuple(latencies), rate)


async def one_call(encode: Encode, inputs: Inputs) -> Answers:
    """All inputs in one call."""
    started = time.perf_counter()
    await encode(inputs)
    seconds = time.perf_counter() - started
    return Answers(len(inputs), seconds, (seconds,), len(inputs) / seconds)


async def open_loop(encode: Encode, inputs: Inputs, rate: float, seconds: float, deadline: float) -> list[Arrival]:
    """`rate` calls a second of one input each, evenly, for so many seconds, whatever becomes of them."""
    ended: list[Arrival] = []
    loop_started = time.perf_counter()

    async def call(one: Any) -> None:
        started = time.perf_counter()
        end = await _end_of(encode([one], deadline))
        now = time.perf_counter()
        ended.append(Arrival(end, now - loop_started, now - started))

    async with asyncio.TaskGroup() as group:
        for due, one in _arrivals(inputs, rate, seconds):
            wait = loop_started + due - time.perf_counter()
            # The timer is coarser than the gaps: what is due already is sent without a pause.
            if wait > 0:
                await asyncio.sleep(wait)
            group.create_task(call(one))
    return ended


def _arrivals(inputs: Inputs, rate: float, seconds: float) -> Iterator[tuple[float, Any]]:
    """When, from the loop's start, and what."""
    supply = cycle(inputs)
    return ((number / rate, next(supply)) for number in range(int(rate * seconds)))


async def _end_of(call: Awaitable[FloatMatrix]) -> End:
    try:
        await call
    except Refused:
        return "refused"
    except TimeoutError:
        return "late"
    except Exception:  # noqa: BLE001 - whatever else a server answers is its failure, and counted as that
        return "failed"
    return "answered"


def goodput(arrivals: Sequence[Arrival], seconds: float, deadline: float) -> float:
    """Answers in time a second, while the loop was under way and its first calls could have ended."""
    good = sum(1 for one in arrivals if one.end == "answered" and deadline <= one.ended_at < seconds)
    return good / (seconds - deadline)
