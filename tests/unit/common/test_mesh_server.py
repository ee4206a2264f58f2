"""Health, reflection, ports and stops of every server, on real sockets and real processes."""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

from modalmesh.v1.recommender_service_pb2 import GetItemRequest
from modalmesh.v1.recommender_service_pb2_grpc import RecommenderStub
from modalmesh_services.common.configuration.settings import ServerSettings
from modalmesh_services.common.server import MeshServer, main
from tests.unit.common.told import RECOMMENDER, TEXT_ENCODER, Told

# A whole server: it listens, takes argv[1] seconds to warm, and says on stdout when its core starts and stops.
PROGRAM = """
import asyncio, sys
from modalmesh_services.common.server import MeshServer, main, run
from modalmesh_services.common.configuration.settings import ServerSettings

settings = ServerSettings.load("slow-server", "", sys.argv[2:])

async def start():
    print(f"warming {server.port}", flush=True)
    await asyncio.sleep(float(sys.argv[1]))
    print("warm", flush=True)

async def stop():
    print("stopped", flush=True)

async def serve():
    global server
    server = MeshServer(settings, ["modalmesh.v1.Recommender"])
    await run(server, start, stop, "slow-server")

sys.exit(main(serve, settings, "slow-server"))
"""


async def health(channel: grpc.aio.Channel, service: str = "") -> str:
    check = channel.unary_unary(
        "/grpc.health.v1.Health/Check", HealthCheckRequest.SerializeToString, HealthCheckResponse.FromString
    )
    answer = await check(HealthCheckRequest(service=service), timeout=10)
    return HealthCheckResponse.ServingStatus.Name(answer.status)


async def reflect(channel: grpc.aio.Channel, request: ServerReflectionRequest) -> ServerReflectionResponse:
    info = channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        ServerReflectionRequest.SerializeToString,
        ServerReflectionResponse.FromString,
    )
    return await anext(aiter(info(iter([request]), timeout=10)))


async def start_program(seconds: float, *flags: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        str(seconds),
        *flags,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def line_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()


@pytest.mark.parametrize("service", ["", RECOMMENDER, TEXT_ENCODER])
async def test_not_serving_until_told_so(told: Told, channel: grpc.aio.Channel, service: str) -> None:
    assert await health(channel, service) == "NOT_SERVING"
    await told.server.set_serving(True)
    assert await health(channel, service) == "SERVING"


async def test_health_of_an_unknown_service_is_not_found(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health(channel, "modalmesh.v1.Nonsense")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_reflection_lists_the_services(channel: grpc.aio.Channel) -> None:
    answer = await reflect(channel, ServerReflectionRequest(list_services=""))
    names = {service.name for service in answer.list_services_response.service}
    assert names >= {RECOMMENDER, TEXT_ENCODER, "grpc.health.v1.Health"}


async def test_reflection_has_the_contract_itself(channel: grpc.aio.Channel) -> None:
    answer = await reflect(channel, ServerReflectionRequest(file_containing_symbol=RECOMMENDER))
    assert any(b"RecommendRequest" in file for file in answer.file_descriptor_response.file_descriptor_proto)


async def test_a_free_port_is_taken_and_named(told: Told) -> None:
    assert told.server.port > 0
    assert told.server.address == f"127.0.0.1:{told.server.port}"


async def test_a_port_that_is_taken_is_an_os_error_that_names_it(told: Told) -> None:
    second = MeshServer(ServerSettings(port=told.server.port), [RECOMMENDER])
    with pytest.raises(OSError, match=rf"can't listen on 127.0.0.1:{told.server.port}"):
        await second.start()


async def test_an_address_that_is_not_ours_is_an_os_error() -> None:
    with pytest.raises(OSError, match=r"can't listen on 192\.0\.2\.1:"):
        await MeshServer(ServerSettings(host="192.0.2.1"), [RECOMMENDER]).start()


async def test_a_stop_finishes_an_accepted_call_and_takes_no_new_one() -> None:
    told = Told()
    await told.server.start()
    entered, leave = told.waits()
    async with grpc.aio.insecure_channel(told.server.address) as channel, second_channel(told) as second:
        accepted = asyncio.ensure_future(RecommenderStub(channel).GetItem(GetItemRequest()))
        await asyncio.wait_for(entered.wait(), 10)
        stopping = asyncio.create_task(told.server.stop())
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await until_refused(second)
        leave.set()
        await asyncio.wait_for(accepted, 10)
        await stopping
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def second_channel(told: Told) -> grpc.aio.Channel:
    # Else both channels would share one connection.
    return grpc.aio.insecure_channel(told.server.address, options=[("grpc.use_local_subchannel_pool", 1)])


async def until_refused(channel: grpc.aio.Channel) -> None:
    """Call a method that answers at once, for at most 10 s: the stop begins at its own pace."""
    for _ in range(100):
        await health(channel)
        await asyncio.sleep(0.1)


async def test_a_call_that_outlives_the_grace_is_cut_off() -> None:
    told = Told(ServerSettings(grace_seconds=0.1))
    await told.server.start()
    entered, _ = told.waits()
    async with grpc.aio.insecure_channel(told.server.address) as channel:
        call = asyncio.ensure_future(RecommenderStub(channel).GetItem(GetItemRequest()))
        await asyncio.wait_for(entered.wait(), 10)
        await told.server.stop()
        with pytest.raises((grpc.aio.AioRpcError, asyncio.CancelledError)):
            await asyncio.wait_for(call, 10)


@pytest.mark.parametrize("method", ["GetItem", "GetEmbeddings"])
async def test_no_call_runs_after_a_stop_even_if_a_library_swallowed_its_cancellation(method: str) -> None:
    told = Told(ServerSettings(grace_seconds=0.1))
    await told.server.start()
    swallowed, ended = asyncio.Event(), asyncio.Event()
    entered, leave = told.waits()

    async def swallow(context: grpc.aio.ServicerContext[Any, Any]) -> None:
        entered.set()
        with suppress(asyncio.CancelledError):
            await leave.wait()
        swallowed.set()
        try:
            await leave.wait()
        finally:
            ended.set()

    told.behaviour = swallow
    async with grpc.aio.insecure_channel(told.server.address) as channel:
        call = getattr(RecommenderStub(channel), method)(GetItemRequest())
        reading = asyncio.create_task(call.read() if method == "GetEmbeddings" else call.code())
        await entered.wait()
        await told.server.stop()
        assert swallowed.is_set()
        assert ended.is_set()
        reading.cancel()


@pytest.fixture
async def warming() -> AsyncIterator[asyncio.subprocess.Process]:
    """A server process that would take a minute to warm."""
    process = await start_program(60)
    yield process
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def test_a_process_listens_while_it_warms(warming: asyncio.subprocess.Process) -> None:
    port = (await line_of(warming)).removeprefix("warming ")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        assert await health(channel) == "NOT_SERVING"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_a_process_that_is_warming(warming: asyncio.subprocess.Process, number: int) -> None:
    await line_of(warming)
    warming.send_signal(number)
    assert await line_of(warming) == "stopped"
    assert await asyncio.wait_for(warming.wait(), 10) == 0


async def test_sigterm_ends_a_warm_process_with_0() -> None:
    process = await start_program(0)
    assert (await line_of(process)).startswith("warming")
    assert await line_of(process) == "warm"
    process.terminate()
    assert await line_of(process) == "stopped"
    assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_a_process_whose_port_is_taken_exits_1_and_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = await start_program(0, "--port", str(port))
        _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert f"slow-server can't run: can't listen on 127.0.0.1:{port}" in errors.decode()
    assert "Traceback" not in errors.decode()


def test_a_core_that_cannot_start_exits_1_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    async def serving() -> None:
        raise FileNotFoundError(2, "no such file", str(Path("model.safetensors")))

    assert main(serving, ServerSettings(), "text-encoder") == 1
    assert "text-encoder can't run" in caplog.text
    assert "model.safetensors" in caplog.text
