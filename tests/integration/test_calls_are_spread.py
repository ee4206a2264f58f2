"""Replicas behind one address each get calls, those that came later too; none is lost when connections are renewed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import grpc

from modalmesh.client import AsyncClient, Client
from modalmesh.v1 import recommender_service_pb2 as gateway
from modalmesh.v1.recommender_service_pb2_grpc import RecommenderStub
from modalmesh_gateway.services import GrpcTextEncoder, open_channel
from modalmesh_services.common.deadline import Deadline
from modalmesh_services.common.server import MeshServer
from tests.fakes import FakeTextEncoder, serve_text_encoder
from tests.integration.item_replicas import Items, replica, replicas
from tests.integration.name_server import name_server

MESSAGE_BYTES = 4 * 1024 * 1024


async def until_both_are_called(call: Callable[[], Awaitable[Any]], *counts: Callable[[], int]) -> None:
    """Connections are made one after the other: until then the first has all calls."""
    while not all(count() for count in counts):
        await call()


async def test_both_gateways_get_half_of_an_async_clients_calls() -> None:
    first, second = Items(), Items()
    async with replicas(first, second) as address, AsyncClient(address) as client:
        await until_both_are_called(lambda: client.get_item("a"), first.calls.total, second.calls.total)
        before = first.calls.total(), second.calls.total()
        for _ in range(100):
            await client.get_item("a")
    assert (first.calls.total() - before[0], second.calls.total() - before[1]) == (50, 50)


async def test_both_gateways_get_half_of_a_sync_clients_calls() -> None:
    first, second = Items(), Items()
    async with replicas(first, second) as address:
        with Client(address) as client:

            async def call() -> None:
                await asyncio.to_thread(client.get_item, "a")

            await until_both_are_called(call, first.calls.total, second.calls.total)
            before = first.calls.total(), second.calls.total()
            for _ in range(100):
                await call()
    assert (first.calls.total() - before[0], second.calls.total() - before[1]) == (50, 50)


async def test_both_text_encoders_get_half_of_a_gateways_calls() -> None:
    first, second = [await serve_text_encoder(FakeTextEncoder()) for _ in range(2)]
    address = f"ipv4:{first.address},{second.address}"
    channel = open_channel(address, MESSAGE_BYTES)
    encoder = GrpcTextEncoder(address, channel)

    async def call() -> None:
        await encoder.model(Deadline.after(10))

    try:
        await until_both_are_called(call, lambda: started(first), lambda: started(second))
        before = started(first), started(second)
        for _ in range(100):
            await call()
        assert (started(first) - before[0], started(second) - before[1]) == (50, 50)
    finally:
        await channel.close()
        await first.stop()
        await second.stop()


def started(server: MeshServer) -> int:
    return sum(method.started for method in server.calls.all())


async def test_a_replica_that_came_later_gets_calls_when_connections_are_renewed() -> None:
    old, new = Items(), Items()
    async with (
        name_server("127.0.0.1") as names,
        replica(old, connection_seconds=0.5) as port,
        replica(new, host="127.0.0.2", port=port, connection_seconds=0.5),
        AsyncClient(names.target(port)) as client,
    ):
        await client.get_item("a")
        names.addresses.append("127.0.0.2")
        async with asyncio.timeout(20):
            await until_both_are_called(lambda: client.get_item("a"), new.calls.total)


async def test_no_call_is_lost_while_connections_are_renewed_under_sixteen_callers() -> None:
    items = Items()
    async with replica(items, connection_seconds=0.3) as port:
        address = f"127.0.0.1:{port}"
        async with AsyncExitStack() as stack:
            # A channel each, so that each is renewed at a time of its own.
            channels = [
                await stack.enter_async_context(
                    grpc.aio.insecure_channel(address, options=[("grpc.channel_id", number)])
                )
                for number in range(16)
            ]
            end = asyncio.get_running_loop().time() + 3

            async def ask(channel: grpc.aio.Channel) -> int:
                get_item = RecommenderStub(channel).GetItem
                asked = 0
                while asyncio.get_running_loop().time() < end:
                    await get_item(gateway.GetItemRequest(item_id="a"))
                    asked += 1
                return asked

            asked = await asyncio.gather(*(ask(channel) for channel in channels))
    assert sum(asked) == items.calls.total()
    assert len(items.calls) > 2 * len(channels)
