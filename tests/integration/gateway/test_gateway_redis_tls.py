"""A Redis behind mutual TLS, by its URL alone."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from modalmesh.errors import Unavailable
from modalmesh.tls import Tls
from modalmesh_gateway.store.server import Server
from tests.certificates import Authority
from tests.integration.gateway.meshes import running_mesh
from tests.integration.gateway.shop import RED_MUG
from tests.valkey import ValkeyProcess


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "ours")


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(64 * 1024):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def secured(valkey: ValkeyProcess, server: Tls) -> AsyncIterator[int]:
    """The port at which `valkey` speaks mutual TLS: the bundled one is built without it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate, server.key)
    context.load_verify_locations(server.ca)
    context.verify_mode = ssl.CERT_REQUIRED

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", valkey.port)
        await asyncio.gather(pipe(reader, behind_writer), pipe(behind_reader, writer))

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


def url(port: int, tls: Tls) -> str:
    files = f"ssl_ca_certs={tls.ca}&ssl_certfile={tls.certificate}&ssl_keyfile={tls.key}"
    return f"rediss://127.0.0.1:{port}/0?{files}"


async def test_items_are_kept_in_a_redis_behind_mutual_tls(authority: Authority, valkey: ValkeyProcess) -> None:
    gateway = authority.issue("gateway")
    async with (
        secured(valkey, authority.issue("redis")) as port,
        running_mesh(valkey, redis_url=url(port, gateway)) as mesh,
    ):
        assert (await mesh.client.upsert_items([RED_MUG])).created == 1
        assert (await mesh.client.get_item("red-mug")).title == RED_MUG.title
        assert (await mesh.client.status()).store.durable


async def test_a_replaced_certificate_is_taken_up_by_the_connections_that_there_are(
    authority: Authority, tmp_path: Path, valkey: ValkeyProcess
) -> None:
    stranger = Authority.create(tmp_path / "theirs").issue("stranger")
    foreign = Tls(authority.ca_file, stranger.certificate, stranger.key)
    async with secured(valkey, authority.issue("redis")) as port:
        server = Server(url(port, foreign), timeout_seconds=1.0)
        with pytest.raises(Unavailable):
            await server.run([("PING",)])
        own = authority.issue("gateway")
        shutil.copy(own.certificate, stranger.certificate)
        shutil.copy(own.key, stranger.key)
        assert await server.run([("PING",)]) == [True]
        await server.close()


async def test_a_redis_that_refuses_the_certificate_is_a_redis_that_is_down(
    authority: Authority, tmp_path: Path, valkey: ValkeyProcess
) -> None:
    stranger = Authority.create(tmp_path / "theirs").issue("stranger")
    foreign = Tls(authority.ca_file, stranger.certificate, stranger.key)
    async with (
        secured(valkey, authority.issue("redis")) as port,
        running_mesh(valkey, redis_url=url(port, foreign)) as mesh,
    ):
        assert not (await mesh.client.status()).store.reachable
