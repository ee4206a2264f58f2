"""A replica that hangs keeps its connection open and says nothing: its turn must go to the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from modalmesh.errors import ModalmeshError
from modalmesh_gateway.services import GrpcTextEncoder, open_channel
from modalmesh_services.common.deadline import Deadline
from modalmesh_services.common.server import MeshServer
from tests.fakes import FakeTextEncoder, serve_text_encoder

CALLS = 20


class Relay:
    """Hands on what goes to a server and comes from it, until it hangs: then it takes everything and says nothing."""

    def __init__(self, server: MeshServer) -> None:
        self._server = server
        self._moves = asyncio.Event()
        self._moves.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections = 0
        self.address = ""

    def hang(self) -> None:
        self._moves.clear()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        listening = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        try:
            yield
        finally:
            listening.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        inner_reader, inner_writer = await asyncio.open_connection(*self._server.address.split(":"))
        for source, sink in ((reader, inner_writer), (inner_reader, writer)):
            self._tasks.add(asyncio.ensure_future(self._hand_on(source, sink)))

    async def _hand_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self._moves.wait()
                sink.write(data)
                await sink.drain()
        finally:
            sink.close()


@asynccontextmanager
async def two_replicas() -> AsyncIterator[tuple[Relay, GrpcTextEncoder]]:
    """The first behind a relay."""
    first, second = [await serve_text_encoder(FakeTextEncoder()) for _ in range(2)]
    relay = Relay(first)
    try:
        async with relay.running():
            address = f"ipv4:{relay.address},{second.address}"
            async with open_channel(address, 4 * 1024 * 1024) as channel:
                yield relay, GrpcTextEncoder(address, channel)
    finally:
        await first.stop()
        await second.stop()


async def answered(encoder: GrpcTextEncoder) -> bool:
    try:
        await encoder.model(Deadline.after(2.0))
    except ModalmeshError:
        return False
    return True


@pytest.mark.slow
async def test_a_replica_that_hangs_loses_its_turn() -> None:
    async with two_replicas() as (relay, encoder), asyncio.timeout(90):
        while not (await answered(encoder) and relay.connections):
            await asyncio.sleep(0.05)
        relay.hang()
        in_a_row = 0
        while in_a_row < CALLS:
            in_a_row = in_a_row + 1 if await answered(encoder) else 0
            await asyncio.sleep(0.2)


@pytest.mark.slow
async def test_a_connection_without_calls_is_asked_for_and_kept() -> None:
    async with two_replicas() as (relay, encoder):
        while not (await answered(encoder) and relay.connections):
            await asyncio.sleep(0.05)
        await asyncio.sleep(45)
        assert await answered(encoder)
        assert relay.connections == 1
