import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from modalmesh_services.common.engine.engine import Engine
from modalmesh_services.common.engine.work import EngineLimits, Pipeline

Start = Callable[..., Awaitable[Engine[Any, Any, Any]]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts engines and stops them at the end."""
    started: list[Engine[Any, Any, Any]] = []

    async def start_one(pipeline: Pipeline[Any, Any, Any], queue_cost: int = 10_000, **limits: int) -> Any:
        engine: Engine[Any, Any, Any] = Engine(
            pipeline, EngineLimits(queue_cost, **limits), probe=1, probe_seconds=0.02
        )
        await engine.start()
        started.append(engine)
        return engine

    yield start_one
    await asyncio.gather(*(engine.stop() for engine in started))
