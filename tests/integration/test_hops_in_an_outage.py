"""How often a gateway asks a service again: one failure is hidden from callers, an outage isn't made worse."""

import asyncio
import time
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
async def served(servicer: Failing) -> AsyncIterator[str]:
    server = await serve_text_encoder(servicer)
    try:
        yield server.address
    finally:
        await server.stop()


@asynccontextmanager
async def asking(address: str) -> AsyncIterator[GrpcTextEncoder]:
    channel = open_channel(address, 4 * 1024 * 1024)
    try:
        yield GrpcTextEncoder(address, channel)
    finally:
        await channel.close()


@asynccontextmanager
async def silent_at_first(address: str) -> AsyncIterator[str]:
    """An address that swallows its first connection, as a machine that is gone does, and hands on all later ones."""
    connections = 0

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        if connections == 1:
            await reader.read(-1)
        else:
            to_reader, to_writer = await asyncio.open_connection(*address.split(":"))
            await asyncio.gather(pump(reader, to_writer), pump(to_reader, writer))
            to_writer.close()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"
        server.close()


async def is_answered(call: Awaitable[Any]) -> bool:
    try:
        await call
    except Unavailable:
        return False
    return True


async def test_what_fails_once_or_twice_is_asked_again() -> None:
    servicer = Failing(2)
    async with served(servicer) as address, asking(address) as encoder:
        assert await is_answered(encoder.model(Deadline.after(10)))
    assert servicer.asked == 3


async def test_in_an_outage_hardly_any_call_is_asked_again() -> None:
    servicer = Failing(100_000)
    async with served(servicer) as address, asking(address) as encoder:
        answered = await asyncio.gather(*(is_answered(encoder.model(Deadline.after(10))) for _ in range(CALLS)))
        assert not any(answered)
        assert servicer.asked <= CALLS + 50
        servicer.failures = 0
        assert await is_answered(encoder.model(Deadline.after(10)))


async def test_an_address_that_says_nothing_is_soon_tried_again() -> None:
    async with served(Failing(0)) as behind, silent_at_first(behind) as address, asking(address) as encoder:
        began = time.monotonic()
        while not await is_answered(encoder.model(Deadline.after(60))):
            await asyncio.sleep(0.1)
        assert time.monotonic() - began < 15
