"""How often a gateway asks a service again: one failure is hidden from callers, an outage isn't made worse."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

from modalmesh.errors import Unavailable
from modalmesh.v1 import text_encoder_service_pb2 as text_encoder
from modalmesh_gateway.services import GrpcTextEncoder, open_channel
from modalmesh_services.common.deadline import Deadline
from tests.fakes import FakeTextEncoder, serve_text_encoder

CALLS = 400


class Failing(FakeTextEncoder):
    """Fails while there are `failures` left, and counts all calls."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures
        self.asked = 0

    async def GetModel(self, request: Any, context: Any) -> text_encoder.TextEncoderGetModelResponse:  # noqa: N802 - the contract's name
        self.asked += 1
        if self.failures:
            self.failures -= 1
            raise Unavailable("encoder", "the model is away")
        return await super().GetModel(request, context)


@asynccontextmanager
async def reached(servicer: Failing) -> AsyncIterator[GrpcTextEncoder]:
    server = await serve_text_encoder(servicer)
    channel = open_channel(server.address, 4 * 1024 * 1024)
    try:
        yield GrpcTextEncoder(server.address, channel)
    finally:
        await channel.close()
        await server.stop()


async def is_answered(call: Awaitable[Any]) -> bool:
    try:
        await call
    except Unavailable:
        return False
    return True


async def test_what_fails_once_or_twice_is_asked_again() -> None:
    servicer = Failing(2)
    async with reached(servicer) as encoder:
        assert await is_answered(encoder.model(Deadline.after(10)))
    assert servicer.asked == 3


async def test_in_an_outage_hardly_any_call_is_asked_again() -> None:
    servicer = Failing(100_000)
    async with reached(servicer) as encoder:
        answered = await asyncio.gather(*(is_answered(encoder.model(Deadline.after(10))) for _ in range(CALLS)))
        assert not any(answered)
        assert servicer.asked <= CALLS + 50
        servicer.failures = 0
        assert await is_answered(encoder.model(Deadline.after(10)))
