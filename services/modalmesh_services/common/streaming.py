"""Works on a stream's requests side by side, as many at once as are allowed. Knows no grpc."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

Request = TypeVar("Request")
Request_contra = TypeVar("Request_contra", contravariant=True)
Response = TypeVar("Response")
Response_co = TypeVar("Response_co", covariant=True)


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What one stream may have under way, answers that nobody has read yet included."""

    requests: int
    answer_bytes: int


class Answer(Protocol[Request_contra, Response_co]):
    """Answers a request; calls `admitted` once it has found room for it."""

    def __call__(self, request: Request_contra, admitted: Callable[[], None], /) -> Awaitable[Response_co]: ...


async def answer_stream(
    requests: AsyncIterator[Request],
    answer: Answer[Request, Response],
    weigh: Callable[[Request], int],
    limits: StreamLimits,
) -> AsyncIterator[Response]:
    """Yield answers as they are ready, in any order. The next request is read only when the one before is admitted, and
    while those under way are within the limits, so that a fast caller is slowed down instead of filling memory. The
    first error ends the stream and its work. `weigh` tells how many bytes a request's answer takes at most.
    """
    stream = _Stream(answer, weigh, limits)
    reading = asyncio.ensure_future(stream.read(requests))
    reading.add_done_callback(stream.ended)
    has_more = True
    try:
        while has_more or stream.working:
            task = await stream.next_ended()
            if task is reading:
                has_more = False
                reading.result()
            else:
                yield stream.take(task)
    finally:
        reading.cancel()
        for left in stream.working:
            left.cancel()


class _Stream(Generic[Request, Response]):
    """`working` has the tasks under way, and what their answers weigh."""

    def __init__(
        self, answer: Answer[Request, Response], weigh: Callable[[Request], int], limits: StreamLimits
    ) -> None:
        self._answer = answer
        self._weigh = weigh
        self._limits = limits
        self._bytes = 0
        self._freed = asyncio.Event()
        self._ended: asyncio.Queue[asyncio.Future[Any]] = asyncio.Queue()
        self.working: dict[asyncio.Future[Response], int] = {}

    async def read(self, requests: AsyncIterator[Request]) -> None:
        """Begin to answer one after another, as fast as the limits allow."""
        async for request in requests:
            admitted = asyncio.Event()
            task = asyncio.ensure_future(self._answer(request, admitted.set))
            self.working[task] = self._weigh(request)
            self._bytes += self.working[task]
            task.add_done_callback(partial(_set, admitted))
            task.add_done_callback(self.ended)
            await admitted.wait()
            while self._is_full():
                self._freed.clear()
                await self._freed.wait()

    def _is_full(self) -> bool:
        return len(self.working) >= self._limits.requests or self._bytes >= self._limits.answer_bytes

    def ended(self, task: "asyncio.Future[Any]") -> None:
        self._ended.put_nowait(task)

    async def next_ended(self) -> "asyncio.Future[Any]":
        return await self._ended.get()

    def take(self, task: "asyncio.Future[Response]") -> Response:
        """The answer, which is under way no more."""
        self._bytes -= self.working.pop(task)
        self._freed.set()
        return task.result()


def _set(event: asyncio.Event, task: "asyncio.Future[Any]") -> None:
    event.set()
