"""Time as the clients see it, in one place, so that a test can let it run faster. All in seconds."""

import asyncio
import time


def now() -> float:
    return time.monotonic()


def sleep(seconds: float) -> None:
    time.sleep(seconds)


async def sleep_on_loop(seconds: float) -> None:
    await asyncio.sleep(seconds)
