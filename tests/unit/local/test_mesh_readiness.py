"""How the supervisor sees that a child is ready."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from modalmesh.local.processes import free_ports
from modalmesh.local.readiness import GrpcHealth, RedisPing
from modalmesh.tls import Tls
from modalmesh_services.common.configuration.settings import ServerSettings
from modalmesh_services.common.server import MeshServer
from tests.certificates import Authority

LIMIT = 2.0


@asynccontextmanager
async def redis_that_says(answer: bytes) -> AsyncIterator[RedisPing]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readline() == b"PING\r\n"
        writer.write(answer)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield RedisPing(*server.sockets[0].getsockname())


async def test_a_redis_that_answers_pong_is_ready() -> None:
    async with redis_that_says(b"+PONG\r\n") as redis:
        assert await redis.ready(LIMIT)


async def test_a_redis_that_loads_its_file_is_not_ready() -> None:
    async with redis_that_says(b"-LOADING Redis is loading the dataset in memory\r\n") as redis:
        assert not await redis.ready(LIMIT)


async def test_a_redis_that_says_nothing_is_not_ready_and_costs_no_more_than_the_limit() -> None:
    async with redis_that_says(b"") as redis:
        begun = time.monotonic()
        assert not await redis.ready(0.1)
        assert time.monotonic() - begun < LIMIT


async def test_where_nobody_listens_nobody_is_ready() -> None:
    (port,) = free_ports(1)
    assert not await RedisPing("127.0.0.1", port).ready(LIMIT)
    assert not await GrpcHealth(f"127.0.0.1:{port}").ready(LIMIT)


async def test_a_server_is_ready_once_its_health_says_serving() -> None:
    server = MeshServer(ServerSettings(port=0, grace_seconds=0), ["some.Service"])
    await server.start()
    health = GrpcHealth(server.address)
    try:
        assert not await health.ready(LIMIT)
        await server.set_serving(True)
        assert await health.ready(LIMIT)
    finally:
        await server.stop()
    assert not await health.ready(LIMIT)


async def test_a_server_that_asks_for_certificates_is_asked_with_one(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path)
    files, own = authority.issue("server"), authority.issue("supervisor")
    tls = {"tls_certificate": files.certificate, "tls_key": files.key, "tls_ca": files.ca}
    server = MeshServer(ServerSettings.model_validate({"grace_seconds": 0, **tls}), ["some.Service"])
    await server.start()
    await server.set_serving(True)
    try:
        # Known by its very certificate, whoever has signed it.
        assert await GrpcHealth(server.address, Tls(files.certificate, own.certificate, own.key)).ready(LIMIT)
        assert not await GrpcHealth(server.address, Tls(files.certificate)).ready(LIMIT)
        assert not await GrpcHealth(server.address).ready(LIMIT)
        assert not await GrpcHealth(server.address, Tls(str(tmp_path / "gone"))).ready(LIMIT)
    finally:
        await server.stop()


async def test_a_server_that_comes_up_late_is_seen_at_the_next_look() -> None:
    (port,) = free_ports(1)
    health = GrpcHealth(f"127.0.0.1:{port}")
    for _ in range(3):
        assert not await health.ready(LIMIT)
    server = MeshServer(ServerSettings(port=port, grace_seconds=0), ["some.Service"])
    await server.start()
    await server.set_serving(True)
    try:
        assert await health.ready(0.5)
    finally:
        await server.stop()


async def test_a_server_that_hangs_is_not_ready_and_costs_no_more_than_the_limit() -> None:
    async with redis_that_says(b"") as silent:
        begun = time.monotonic()
        assert not await GrpcHealth(f"127.0.0.1:{silent.port}").ready(0.2)
        assert time.monotonic() - begun < LIMIT
