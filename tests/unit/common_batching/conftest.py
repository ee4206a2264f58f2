import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from modalmesh_services.common.batching import Batcher, BatchLimits, Pipeline

Start = Callable[..., Awaitable[Batcher[Any, Any, Any]]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts batchers and stops them at the end."""
    started: list[Batcher[Any, Any, Any]] = []

    async def start_one(pipeline: Pipeline[Any, Any, Any], queue_cost: int = 10_000, **limits: int) -> Any:
        batcher = Batcher(pipeline, BatchLimits(queue_cost, **limits))
        await batcher.start()
        started.append(batcher)
        return batcher

    yield start_one
    await asyncio.gather(*(batcher.stop() for batcher in started))
