"""A rolling update as the manifests order it: the new one is up, the old one leaves DNS, waits, finishes its calls."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc

from modalmesh.client import AsyncClient
from modalmesh.v1.text_encoder_service_pb2_grpc import add_TextEncoderServicer_to_server
from modalmesh_gateway.services import GrpcTextEncoder, open_channel
from modalmesh_services.common.deadline import Deadline
from tests.fakes import FakeTextEncoder
from tests.integration.item_replicas import Items, Service, replica
from tests.integration.name_server import NameServer, name_server

CALLERS = 16
RELEASES = 4
# Slow enough that calls are under way whenever one stops.
CALL_SECONDS = 0.1
# Of the manifests' 15 s: longer than a look-up of the name takes.
BEFORE_STOP_SECONDS = 0.3


class Texts(FakeTextEncoder):
    """A text-encoder; `calls` counts."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def add_to(self, server: grpc.aio.Server) -> None:
        add_TextEncoderServicer_to_server(self, server)

    async def Encode(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self.calls += 1
        await asyncio.sleep(CALL_SECONDS)
        return await super().Encode(request, context)


@asynccontextmanager
async def started(service: Service) -> AsyncIterator[tuple[NameServer, int, AsyncExitStack]]:
    """The first release: the name server that knows it, its port, and what ends it, or whatever came after it."""
    async with name_server("127.0.0.1") as names, AsyncExitStack() as running:
        port = await running.enter_async_context(replica(service))
        yield names, port, running


async def update(names: NameServer, port: int, running: AsyncExitStack, service: Service, number: int) -> None:
    """From the only replica to another, as a Deployment with maxUnavailable: 0 does it."""
    address = f"127.0.0.{number}"
    old = running.pop_all()
    await running.enter_async_context(replica(service, host=address, port=port))
    names.addresses.append(address)
    await asyncio.sleep(BEFORE_STOP_SECONDS)
    names.addresses.pop(0)
    await asyncio.sleep(BEFORE_STOP_SECONDS)
    await old.aclose()


async def answered_while(call: Callable[[], Awaitable[Any]], updates: Callable[[], Awaitable[None]]) -> int:
    """How many calls of all callers were answered meanwhile; one that fails is raised."""
    over = asyncio.Event()

    async def ask() -> int:
        answered = 0
        while not over.is_set():
            await call()
            answered += 1
        return answered

    async with asyncio.TaskGroup() as group:
        callers = [group.create_task(ask()) for _ in range(CALLERS)]
        await updates()
        await asyncio.sleep(1)
        over.set()
    return sum(caller.result() for caller in callers)


async def updated(releases: Sequence[Service], connect: Callable[[str], Any], ask: Callable[[Any], Any]) -> int:
    """Calls that were answered while each release took the place of the one before."""
    async with started(releases[0]) as (names, port, running), connect(names.target(port)) as caller:

        async def updates() -> None:
            for number, release in enumerate(releases[1:], 2):
                await update(names, port, running, release, number)

        return await answered_while(lambda: ask(caller), updates)


async def test_updates_of_gateways_lose_no_call_of_a_client() -> None:
    releases = [Items(CALL_SECONDS) for _ in range(RELEASES)]
    answered = await updated(releases, AsyncClient, lambda client: client.get_item("a"))
    calls = [release.calls.total() for release in releases]
    assert all(calls)
    assert answered == sum(calls)


@asynccontextmanager
async def text_encoder(address: str) -> AsyncIterator[GrpcTextEncoder]:
    """As the gateway reaches it."""
    async with open_channel(address, 1024 * 1024) as channel:
        yield GrpcTextEncoder(address, channel)


async def test_updates_of_encoders_lose_no_call_of_a_gateway() -> None:
    releases = [Texts() for _ in range(RELEASES)]
    answered = await updated(releases, text_encoder, lambda encoder: encoder.encode(["a"], Deadline.after(10)))
    calls = [release.calls for release in releases]
    assert all(calls)
    assert answered == sum(calls)
