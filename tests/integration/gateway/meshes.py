"""A mesh in one process: a real gateway, the real ranker, encoders without weights, each behind a port of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from modalmesh import AsyncClient
from modalmesh.channels import open_aio_channel
from modalmesh.v1 import fusion_ranker_service_pb2 as ranker_pb
from modalmesh.v1 import image_encoder_service_pb2 as image_pb
from modalmesh.v1 import text_encoder_service_pb2 as text_pb
from modalmesh.v1.fusion_ranker_service_pb2_grpc import add_FusionRankerServicer_to_server
from modalmesh.v1.recommender_service_pb2_grpc import RecommenderStub, add_RecommenderServicer_to_server
from modalmesh_gateway.bootstrap import Gateway, connect
from modalmesh_gateway.servicer import Recommender
from modalmesh_gateway.settings import GatewaySettings
from modalmesh_services.common.configuration.settings import ServerSettings
from modalmesh_services.common.server import MeshServer
from modalmesh_services.fusion_ranker.core import RankerCore
from modalmesh_services.fusion_ranker.loading import limits
from modalmesh_services.fusion_ranker.models.zero_shot import ZeroShotConfig, ZeroShotRanker
from modalmesh_services.fusion_ranker.servicer import FusionRankerServicer
from modalmesh_services.fusion_ranker.settings import FusionRankerSettings
from tests.fakes import (
    IMAGE_DIM,
    TEXT_DIM,
    FakeImageEncoder,
    FakeTextEncoder,
    serve_image_encoder,
    serve_text_encoder,
)
from tests.valkey import ValkeyProcess

WAIT_SECONDS = 10.0
RANKER_CONFIG = ZeroShotConfig(text_dim=TEXT_DIM, image_dim=IMAGE_DIM)


async def until(happened: Callable[[], object]) -> None:
    """Look again and again until it is so."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not happened():
            await asyncio.sleep(0.01)


async def until_answer(ask: Callable[[], Awaitable[Any]], wanted: Callable[[Any], object]) -> Any:
    """Ask again and again until the answer is as wanted; that answer."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not wanted(answer := await ask()):
            await asyncio.sleep(0.02)
    return answer


class Gate:
    """Calls wait in front of it while it is shut."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self.waiting = 0

    def shut(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    async def pass_through(self) -> None:
        self.waiting += 1
        try:
            await self._open.wait()
        finally:
            self.waiting -= 1


class GatedTextEncoder(FakeTextEncoder):
    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()

    async def Encode(  # noqa: N802 - the contract's name
        self, request: text_pb.TextEncoderEncodeRequest, context: Any
    ) -> text_pb.TextEncoderEncodeResponse:
        await self.gate.pass_through()
        return await super().Encode(request, context)


class GatedImageEncoder(FakeImageEncoder):
    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()

    async def Encode(  # noqa: N802 - the contract's name
        self, request: image_pb.ImageEncoderEncodeRequest, context: Any
    ) -> image_pb.ImageEncoderEncodeResponse:
        await self.gate.pass_through()
        return await super().Encode(request, context)


class GatedRanker(FusionRankerServicer):
    """The real ranker; `gate` holds up Rank, `fuse_gate` Fuse, `user_gate` EncodeUser."""

    def __init__(self, config: ZeroShotConfig) -> None:
        settings, model = FusionRankerSettings(), ZeroShotRanker(config)
        super().__init__(RankerCore(model, limits(settings, model.description), settings.queue_bytes))
        self.gate = Gate()
        self.fuse_gate = Gate()
        self.user_gate = Gate()

    async def Fuse(  # noqa: N802 - the contract's name
        self, request: ranker_pb.FusionRankerFuseRequest, context: Any
    ) -> ranker_pb.FusionRankerFuseResponse:
        await self.fuse_gate.pass_through()
        return await super().Fuse(request, context)

    async def EncodeUser(  # noqa: N802 - the contract's name
        self, request: ranker_pb.FusionRankerEncodeUserRequest, context: Any
    ) -> ranker_pb.FusionRankerEncodeUserResponse:
        await self.user_gate.pass_through()
        return await super().EncodeUser(request, context)

    async def Rank(  # noqa: N802 - the contract's name
        self, request: ranker_pb.FusionRankerRankRequest, context: Any
    ) -> ranker_pb.FusionRankerRankResponse:
        await self.gate.pass_through()
        return await super().Rank(request, context)


async def serve_ranker(ranker: FusionRankerServicer, port: int = 0, **settings: Any) -> MeshServer:
    server = MeshServer(ServerSettings(port=port, grace_seconds=0, **settings), ["modalmesh.v1.FusionRanker"])
    add_FusionRankerServicer_to_server(ranker, server.grpc)
    await server.start()
    await server.set_serving(True)
    return server


class Service:
    """A server that may stop and come back at the same port, as a process that is restarted."""

    def __init__(self, serve: Callable[[int], Awaitable[MeshServer]]) -> None:
        self._serve = serve
        self._server: MeshServer | None = None
        self._port = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    async def start(self) -> None:
        self._server = await self._serve(self._port)
        self._port = self._server.port

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop()
            self._server = None

    async def replace(self, serve: Callable[[int], Awaitable[MeshServer]]) -> None:
        """Put another server in its place."""
        await self.stop()
        self._serve = serve
        await self.start()


@dataclass(frozen=True)
class Replica:
    """One gateway, a client of it, and the bare contract for what a client hides."""

    client: AsyncClient
    address: str
    gateway: Gateway
    stub: Any

    async def until_lacking(self, part: str, lacking: bool) -> None:
        """Wait until answers say that they lack the store, or that they don't."""
        views = self.gateway.views
        await until(lambda: (part in {lack.part for lack in views.all()[0].lacked()}) == lacking)

    async def until_completed(self) -> None:
        """Wait until no item waits for a part any more."""
        await until_answer(self.client.status, lambda status: not any(each.pending for each in status.namespaces))

    async def until_items(self, number: int) -> None:
        """Wait until this gateway's index has so many items."""
        await until_answer(self.client.status, lambda status: [each.items for each in status.namespaces] == [number])


@asynccontextmanager
async def running_gateway(settings: GatewaySettings) -> AsyncIterator[Replica]:
    gateway = connect(settings)
    server = MeshServer(settings, ["modalmesh.v1.Recommender"])
    add_RecommenderServicer_to_server(Recommender(gateway), server.grpc)
    async with AsyncExitStack() as stack:
        await server.start()
        stack.push_async_callback(gateway.stop)
        stack.push_async_callback(server.stop)
        await gateway.start()
        await server.set_serving(True)
        # Where the mesh speaks TLS, the callers have the same certificate.
        client = await stack.enter_async_context(AsyncClient(server.address, "shop", timeout=10.0, tls=settings.tls))
        channel = open_aio_channel(server.address, settings.tls, ())
        stack.push_async_callback(channel.close)
        yield Replica(client, server.address, gateway, RecommenderStub(channel))


@dataclass(frozen=True)
class Mesh(Replica):
    """Every part of a mesh, each of which a test may stop, replace, hold up or look into."""

    settings: GatewaySettings
    text: GatedTextEncoder
    image: GatedImageEncoder
    ranker: GatedRanker
    text_server: Service
    image_server: Service
    ranker_server: Service
    valkey: ValkeyProcess

    @asynccontextmanager
    async def another_gateway(self, **settings: Any) -> AsyncIterator[Replica]:
        async with running_gateway(self.settings.model_copy(update=settings)) as replica:
            yield replica


@asynccontextmanager
async def running_mesh(valkey: ValkeyProcess, **settings: Any) -> AsyncIterator[Mesh]:
    """`settings` are the gateway's; those of TLS are all servers'."""
    text, image, ranker = GatedTextEncoder(), GatedImageEncoder(), GatedRanker(RANKER_CONFIG)
    tls = {name: value for name, value in settings.items() if name.startswith("tls_")}
    services = (
        Service(lambda port: serve_text_encoder(text, port, **tls)),
        Service(lambda port: serve_image_encoder(image, port, **tls)),
        Service(lambda port: serve_ranker(ranker, port, **tls)),
    )
    async with AsyncExitStack() as stack:
        for service in services:
            await service.start()
            stack.push_async_callback(service.stop)
        wanted = _settings(valkey, *services).model_copy(update=settings)
        replica = await stack.enter_async_context(running_gateway(wanted))
        seen = (replica.client, replica.address, replica.gateway, replica.stub)
        yield Mesh(*seen, wanted, text, image, ranker, *services, valkey)


def _settings(valkey: ValkeyProcess, text: Service, image: Service, ranker: Service) -> GatewaySettings:
    return GatewaySettings(
        port=0,
        redis_url=valkey.url,
        text_encoder=text.address,
        image_encoder=image.address,
        fusion_ranker=ranker.address,
        completion_seconds=0.05,
        grace_seconds=1.0,
        redis_seconds=1.0,
    )
