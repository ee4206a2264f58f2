"""How the supervisor sees that a child is ready. Every look has a limit and never raises for a child that isn't."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from modalmesh.channels import open_aio_channel
from modalmesh.errors import InvalidInput
from modalmesh.tls import Tls

_SERVING = HealthCheckResponse.ServingStatus.Value("SERVING")
_METHOD = "/grpc.health.v1.Health/Check"
_OPTIONS = (
    # A channel of its own each time: one that failed once would wait before it connects again.
    ("grpc.use_local_subchannel_pool", 1),
    # A child is on this machine, whatever proxy the environment names.
    ("grpc.enable_http_proxy", 0),
)


class Readiness(Protocol):
    """A look at a child: `ready` after at most `limit_seconds`."""

    async def ready(self, limit_seconds: float) -> bool: ...


@dataclass(frozen=True, slots=True)
class GrpcHealth:
    """SERVING by the standard health service, for the server as a whole."""

    address: str
    tls: Tls | None = None

    async def ready(self, limit_seconds: float) -> bool:
        try:
            channel = open_aio_channel(self.address, self.tls, _OPTIONS)
        except (OSError, InvalidInput):
            # Its certificate is just being replaced.
            return False
        # What the generated stub does, with types.
        check = channel.unary_unary(
            _METHOD,
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )
        try:
            answer = await check(HealthCheckRequest(), timeout=limit_seconds)
        except grpc.aio.AioRpcError:
            return False
        finally:
            await channel.close()
        return bool(answer.status == _SERVING)


@dataclass(frozen=True, slots=True)
class RedisPing:
    """PONG to a PING; while a server loads its file it answers an error instead."""

    host: str
    port: int

    async def ready(self, limit_seconds: float) -> bool:
        try:
            async with asyncio.timeout(limit_seconds):
                return await self._ping() == b"+PONG\r\n"
        except OSError:
            # TimeoutError is one.
            return False

    async def _ping(self) -> bytes:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(b"PING\r\n")
            return await reader.readline()
        finally:
            writer.close()
