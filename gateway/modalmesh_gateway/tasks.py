"""Background tasks that are never lost: a failure is logged at once, a stop ends them all."""

import asyncio
import logging
from collections.abc import Coroutine
from contextvars import Context
from typing import Any

from modalmesh_services.common.ending import end_all

logger = logging.getLogger(__name__)


class TaskGroup:
    """Tasks that live as long as their owner."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any], *, name: str) -> None:
        # In a context of its own: what a call starts outlives it, and isn't its work any more.
        task = asyncio.create_task(work, name=name, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Cancel what still runs and wait for its end."""
        await end_all(self._tasks)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("%s failed", task.get_name(), exc_info=task.exception())
