from collections.abc import AsyncIterator

import grpc
import pytest

from tests.unit.common.told import Told


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    """Started, on a free port."""
    started = Told()
    await started.server.start()
    yield started
    await started.server.stop()


@pytest.fixture
async def channel(told: Told) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(told.server.address) as channel:
        yield channel
