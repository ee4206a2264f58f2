"""Started encoder servers and what tests ask of them, the same for both encoders."""

import asyncio
import os
import re
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

from modalmesh.errors import ModalmeshError
from modalmesh.status import from_rpc_error
from modalmesh_services.common.server import MeshServer

OPTIONS = [("grpc.max_receive_message_length", 1 << 26), ("grpc.max_send_message_length", 1 << 26)]


class Core(Protocol):
    async def start(self) -> None: ...
    async def stop(self) -> None: ...


async def serve(server: MeshServer, core: Core) -> grpc.aio.Channel:
    """Start as `run` does, and give a channel to it."""
    await server.start()
    await core.start()
    await server.set_serving(True)
    return grpc.aio.insecure_channel(server.address, options=OPTIONS)


async def health(channel: grpc.aio.Channel, service: str) -> str:
    check = channel.unary_unary(
        "/grpc.health.v1.Health/Check", HealthCheckRequest.SerializeToString, HealthCheckResponse.FromString
    )
    answer = await check(HealthCheckRequest(service=service), timeout=10)
    return HealthCheckResponse.ServingStatus.Name(answer.status)


async def listed_services(channel: grpc.aio.Channel) -> set[str]:
    info = channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        ServerReflectionRequest.SerializeToString,
        ServerReflectionResponse.FromString,
    )
    answer = await anext(aiter(info(iter([ServerReflectionRequest(list_services="")]), timeout=10)))
    return {service.name for service in answer.list_services_response.service}


async def refusal(call: Awaitable[object]) -> ModalmeshError:
    """The typed error with which a call fails."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return from_rpc_error(error)
    raise AssertionError("the call was answered")


class Gated:
    """A model that waits at a gate, once that is closed, and records how many inputs each of its batches had then."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def close(self) -> None:
        """Forget what was encoded, such as to warm up, and wait from now on."""
        self.batches.clear()
        self.entered.clear()
        self.gate.clear()

    def __call__(self, batch: Any, wanted: bool) -> Any:
        self.batches.append(len(batch))
        self.entered.set()
        self.gate.wait()
        return self._model(batch, wanted)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


class Breakable:
    """A model that fails on everything while it is `broken`."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.broken = False

    def __call__(self, batch: Any, wanted: bool) -> Any:
        if self.broken:
            raise MemoryError("broken")
        return self._model(batch, wanted)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


async def until_health(channel: grpc.aio.Channel, service: str, wanted: str) -> None:
    """Ask again and again."""
    async with asyncio.timeout(20):
        while await health(channel, service) != wanted:
            await asyncio.sleep(0.02)


async def run_until_sigterm(module: str, ask: Callable[[str], Awaitable[None]], *flags: str) -> int:
    """Start `python -m module`, call `ask` with its address once it serves, end it by SIGTERM: its exit code."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, "--port", "0", *flags), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        async for line in process.stderr:
            if found := re.search(rb"is serving on (\S+)", line):
                await ask(found[1].decode())
                process.send_signal(signal.SIGTERM)
        return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()


async def run_in_vain(module: str, *flags: str, **environment: str) -> tuple[int, str]:
    """Start what can't run: its exit code and what it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *flags), stderr=asyncio.subprocess.PIPE, env={**os.environ, **environment}
    )
    _, said = await process.communicate()
    return await process.wait(), said.decode()
