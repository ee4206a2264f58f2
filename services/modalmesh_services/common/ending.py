"""Ending tasks for certain. Knows no grpc."""

import asyncio
from collections.abc import Collection
from typing import Any

_CANCEL_AGAIN_SECONDS = 0.1


async def end_all(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel what still runs of `tasks`, also what comes to it meanwhile, and wait for its end.

    Again and again: before Python 3.12 `asyncio.wait_for`, by which redis-py writes to its socket, swallows a
    cancellation that comes just when it is done, and the task goes on.
    """
    while running := {task for task in tasks if not task.done()}:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=_CANCEL_AGAIN_SECONDS)
