"""Replicas of a gateway that has any item, or of another service: real servers, whose calls a test counts."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

import grpc

from modalmesh.v1 import recommender_service_pb2 as gateway
from modalmesh.v1 import types_pb2 as pb
from modalmesh_services.common.configuration.settings import ServerSettings
from modalmesh_services.common.handlers import Context
from modalmesh_services.common.server import MeshServer


class Service(Protocol):
    def add_to(self, server: grpc.aio.Server) -> None: ...


class Items:
    """Takes `seconds` a call; `calls` counts by the caller's connection."""

    def __init__(self, seconds: float = 0.002) -> None:
        self.calls: Counter[str] = Counter()
        self._seconds = seconds

    async def get_item(self, request: gateway.GetItemRequest, context: Context) -> gateway.GetItemResponse:
        self.calls[context.peer()] += 1
        await asyncio.sleep(self._seconds)
        return gateway.GetItemResponse(item=pb.Item(item_id=request.item_id))

    def add_to(self, server: grpc.aio.Server) -> None:
        handler = grpc.unary_unary_rpc_method_handler(
            self.get_item, gateway.GetItemRequest.FromString, gateway.GetItemResponse.SerializeToString
        )
        methods = {"GetItem": handler}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("modalmesh.v1.Recommender", methods),))


@asynccontextmanager
async def replica(
    service: Service, host: str = "127.0.0.1", port: int = 0, connection_seconds: float = 300.0
) -> AsyncIterator[int]:
    settings = ServerSettings(host=host, port=port, connection_seconds=connection_seconds, grace_seconds=5.0)
    server = MeshServer(settings, [])
    service.add_to(server.grpc)
    await server.start()
    try:
        yield server.port
    finally:
        await server.stop()


@asynccontextmanager
async def replicas(*each: Items) -> AsyncIterator[str]:
    """The address of all of them together."""
    async with AsyncExitStack() as stack:
        ports = [await stack.enter_async_context(replica(items)) for items in each]
        yield "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in ports)
