"""Works on a stream's requests side by side, as many at once as are allowed. Knows no grpc."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

Request = TypeVar("Request")
Response = TypeVar("Response")


async def answer_stream(
    requests: AsyncIterator[Request], answer: Callable[[Request], Awaitable[Response]], limit: int
) -> AsyncIterator[Response]:
    """Yield answers as they are ready, in any order. The next request is read only while fewer than `limit` are under
    way, so a fast caller is slowed down instead of filling memory. The first error ends the stream and its work.
    """

    async def read() -> Request | None:
        return await anext(requests, None)

    reading: asyncio.Future[Request | None] | None = asyncio.ensure_future(read())
    working: set[asyncio.Future[Response]] = set()
    try:
        while reading or working:
            awaited: set[asyncio.Future[Any]] = {*working}
            if reading and len(working) < limit:
                awaited.add(reading)
            done, _ = await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            if reading in done:
                request = reading.result()
                reading = None
                if request is not None:
                    working.add(asyncio.ensure_future(answer(request)))
                    reading = asyncio.ensure_future(read())
            for answered in working & done:
                working.remove(answered)
                yield answered.result()
    finally:
        left: list[asyncio.Future[Any]] = [*working, *([reading] if reading else [])]
        for task in left:
            task.cancel()
