"""A real gateway over a real Valkey, the real ranker, and encoders that need no weights."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from modalmesh import AsyncClient
from modalmesh.v1.fusion_ranker_service_pb2_grpc import add_FusionRankerServicer_to_server
from modalmesh.v1.recommender_service_pb2_grpc import add_RecommenderServicer_to_server
from modalmesh_gateway.bootstrap import Gateway, connect
from modalmesh_gateway.servicer import Recommender
from modalmesh_gateway.settings import GatewaySettings
from modalmesh_services.common.server import MeshServer
from modalmesh_services.common.settings import ServerSettings
from modalmesh_services.fusion_ranker.core import RankerCore
from modalmesh_services.fusion_ranker.models.zero_shot import ZeroShotConfig, ZeroShotRanker
from modalmesh_services.fusion_ranker.servicer import FusionRankerServicer
from modalmesh_services.fusion_ranker.validation import RankerLimits
from tests.fakes import (
    IMAGE_DIM,
    TEXT_DIM,
    FakeImageEncoder,
    FakeTextEncoder,
    serve_image_encoder,
    serve_text_encoder,
)
from tests.valkey import ValkeyProcess

_WAIT_SECONDS = 10.0


async def serve_ranker(config: ZeroShotConfig, port: int = 0) -> MeshServer:
    server = MeshServer(ServerSettings(port=port, grace_seconds=0), ["modalmesh.v1.FusionRanker"])
    core = RankerCore(ZeroShotRanker(config), RankerLimits(4096, 65_536, 10_000, 500, 200_000), 64 * 1024 * 1024)
    add_FusionRankerServicer_to_server(FusionRankerServicer(core), server.grpc)
    await server.start()
    await server.set_serving(True)
    return server


RANKER_CONFIG = ZeroShotConfig(text_dim=TEXT_DIM, image_dim=IMAGE_DIM)


@dataclass
class Mesh:
    """Every part of a mesh, each of which a test may stop, replace or look into."""

    client: AsyncClient
    gateway: Gateway
    text: FakeTextEncoder
    image: FakeImageEncoder
    text_server: MeshServer
    image_server: MeshServer
    ranker_server: MeshServer
    valkey: ValkeyProcess

    async def until_completed(self) -> None:
        """Wait until no item waits for a part any more."""
        async with asyncio.timeout(_WAIT_SECONDS):
            while any(namespace.pending for namespace in (await self.client.status()).namespaces):
                await asyncio.sleep(0.02)

    async def until_lacking(self, part: str, lacking: bool) -> None:
        """Wait until answers say that they lack the store, or that they don't."""
        async with asyncio.timeout(_WAIT_SECONDS):
            while True:
                view = self.gateway.views.all()[0]
                if (part in {lack.part for lack in view.lacked()}) == lacking:
                    return
                await asyncio.sleep(0.02)


def settings_for(valkey_url: str, text: MeshServer, image: MeshServer, ranker: MeshServer) -> GatewaySettings:
    return GatewaySettings(
        port=0,
        redis_url=valkey_url,
        text_encoder=text.address,
        image_encoder=image.address,
        fusion_ranker=ranker.address,
        completion_seconds=0.05,
        grace_seconds=1.0,
        redis_seconds=1.0,
    )


async def serve_gateway(settings: GatewaySettings) -> tuple[Gateway, MeshServer]:
    gateway = connect(settings)
    server = MeshServer(settings, ["modalmesh.v1.Recommender"])
    add_RecommenderServicer_to_server(Recommender(gateway), server.grpc)
    await server.start()
    await gateway.start()
    await server.set_serving(True)
    return gateway, server


@pytest.fixture(scope="session")
def running_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyProcess]:
    server = ValkeyProcess(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def valkey(running_valkey: ValkeyProcess) -> ValkeyProcess:
    """Empty."""
    running_valkey.command("FLUSHALL")
    return running_valkey


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[ValkeyProcess]:
    """One that a test may kill."""
    server = ValkeyProcess(tmp_path)
    server.start()
    yield server
    server.kill()


async def _mesh(valkey: ValkeyProcess) -> AsyncIterator[Mesh]:
    text, image = FakeTextEncoder(), FakeImageEncoder()
    async with AsyncExitStack() as stack:
        servers = (await serve_text_encoder(text), await serve_image_encoder(image), await serve_ranker(RANKER_CONFIG))
        for server in servers:
            stack.push_async_callback(server.stop)
        gateway, server = await serve_gateway(settings_for(valkey.url, *servers))
        stack.push_async_callback(gateway.stop)
        stack.push_async_callback(server.stop)
        client = await stack.enter_async_context(AsyncClient(server.address, "shop", timeout=10.0))
        yield Mesh(client, gateway, text, image, *servers, valkey)


@pytest.fixture
async def mesh(valkey: ValkeyProcess) -> AsyncIterator[Mesh]:
    async for each in _mesh(valkey):
        yield each


@pytest.fixture
async def fragile_mesh(own_valkey: ValkeyProcess) -> AsyncIterator[Mesh]:
    """A mesh whose Valkey a test may kill and start again."""
    async for each in _mesh(own_valkey):
        yield each
