"""What Prometheus sees of calls, over real gRPC: started, in flight, handled by code, seconds."""

import asyncio
from contextlib import suppress

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from prometheus_client import generate_latest

from modalmesh.errors import NotFound, Unavailable
from modalmesh.v1 import recommender_service_pb2 as gateway
from modalmesh.v1.recommender_service_pb2_grpc import RecommenderStub
from modalmesh.v1.text_encoder_service_pb2 import TextEncoderEncodeStreamRequest
from modalmesh.v1.text_encoder_service_pb2_grpc import TextEncoderStub
from modalmesh_services.common.handlers import Context
from tests.unit.common.told import Told

KINDS = [
    ("GetItem", "Recommender", "unary"),
    ("UpsertItems", "Recommender", "client_stream"),
    ("GetEmbeddings", "Recommender", "server_stream"),
    ("EncodeStream", "TextEncoder", "bidi_stream"),
]


def page(told: Told) -> list[str]:
    return generate_latest(told.server.metrics).decode().splitlines()


def handled(told: Told, method: str, code: str, kind: str = "unary", service: str = "Recommender") -> bool:
    labels = f'grpc_code="{code}",grpc_method="{method}",grpc_service="modalmesh.v1.{service}",grpc_type="{kind}"'
    return f"grpc_server_handled_total{{{labels}}} 1.0" in page(told)


async def eventually_handled(
    told: Told, method: str, code: str, kind: str = "unary", service: str = "Recommender"
) -> None:
    """The server ends a call that fails after its caller has heard of it."""
    async with asyncio.timeout(10):
        while not handled(told, method, code, kind, service):
            await asyncio.sleep(0.01)


async def call(channel: grpc.aio.Channel, method: str, timeout: float = 10.0) -> None:
    stub = RecommenderStub(channel)
    match method:
        case "GetItem":
            await stub.GetItem(gateway.GetItemRequest(), timeout=timeout)
        case "UpsertItems":
            await stub.UpsertItems(iter([gateway.UpsertItemsRequest()]), timeout=timeout)
        case "GetEmbeddings":
            async for _ in stub.GetEmbeddings(gateway.GetEmbeddingsRequest(), timeout=timeout):
                pass
        case "EncodeStream":
            request = TextEncoderEncodeStreamRequest(key="a")
            async for _ in TextEncoderStub(channel).EncodeStream(iter([request]), timeout=timeout):
                pass


@pytest.mark.parametrize(("method", "service", "kind"), KINDS)
async def test_an_answered_call_is_counted_by_its_type(
    told: Told, channel: grpc.aio.Channel, method: str, service: str, kind: str
) -> None:
    await call(channel, method)
    assert handled(told, method, "OK", kind, service)
    labels = f'grpc_method="{method}",grpc_service="modalmesh.v1.{service}",grpc_type="{kind}"'
    assert f"grpc_server_started_total{{{labels}}} 1.0" in page(told)
    assert f"grpc_server_handling_seconds_count{{{labels}}} 1.0" in page(told)


@pytest.mark.parametrize(("method", "service", "kind"), KINDS)
async def test_a_refused_call_is_counted_by_the_code_that_its_caller_got(
    told: Told, channel: grpc.aio.Channel, method: str, service: str, kind: str
) -> None:
    told.fails_with(Unavailable("redis", "is away"))
    with pytest.raises(grpc.aio.AioRpcError):
        await call(channel, method)
    await eventually_handled(told, method, "UNAVAILABLE", kind, service)


async def test_a_fault_is_internal_and_a_status_of_a_servicers_own_is_that(
    told: Told, channel: grpc.aio.Channel
) -> None:
    told.fails_with(ZeroDivisionError())
    with pytest.raises(grpc.aio.AioRpcError):
        await call(channel, "GetItem")
    await eventually_handled(told, "GetItem", "INTERNAL")

    async def abort(context: Context) -> None:
        await context.abort(grpc.StatusCode.DATA_LOSS, "gone")

    told.behaviour = abort
    with pytest.raises(grpc.aio.AioRpcError):
        await call(channel, "GetItem")
    await eventually_handled(told, "GetItem", "DATA_LOSS")


async def test_a_call_that_its_caller_left_is_cancelled(told: Told, channel: grpc.aio.Channel) -> None:
    entered, _ = told.waits()
    left = RecommenderStub(channel).GetItem(gateway.GetItemRequest())
    await asyncio.wait_for(entered.wait(), 10)
    left.cancel()
    await eventually_handled(told, "GetItem", "CANCELLED")


async def test_a_call_whose_time_ran_out_is_not_cancelled_by_its_caller(told: Told, channel: grpc.aio.Channel) -> None:
    told.waits()
    with pytest.raises(grpc.aio.AioRpcError):
        await call(channel, "GetItem", timeout=0.1)
    await eventually_handled(told, "GetItem", "DEADLINE_EXCEEDED")


async def test_a_stream_that_its_caller_left_is_cancelled(told: Told, channel: grpc.aio.Channel) -> None:
    entered, _ = told.waits()
    left = RecommenderStub(channel).GetEmbeddings(gateway.GetEmbeddingsRequest())
    await asyncio.wait_for(entered.wait(), 10)
    left.cancel()
    await eventually_handled(told, "GetEmbeddings", "CANCELLED", "server_stream")


async def test_a_call_is_in_flight_until_it_ends(told: Told, channel: grpc.aio.Channel) -> None:
    line = 'grpc_server_in_flight{grpc_method="GetItem",grpc_service="modalmesh.v1.Recommender"} '
    entered, leave = told.waits()
    running = asyncio.create_task(call(channel, "GetItem"))
    await asyncio.wait_for(entered.wait(), 10)
    assert line + "1.0" in page(told)
    leave.set()
    await running
    assert line + "0.0" in page(told)


async def test_every_method_is_there_before_its_first_call_and_gRPCs_own_never_are(  # noqa: N802
    told: Told, channel: grpc.aio.Channel
) -> None:
    check = channel.unary_unary(
        "/grpc.health.v1.Health/Check", HealthCheckRequest.SerializeToString, HealthCheckResponse.FromString
    )
    await check(HealthCheckRequest())
    shown = "\n".join(page(told))
    assert 'grpc_method="Recommend",' in shown
    assert "grpc.health" not in shown


async def test_a_time_is_counted_where_it_belongs(told: Told, channel: grpc.aio.Channel) -> None:
    async def take_time(context: Context) -> None:
        await asyncio.sleep(0.06)

    told.behaviour = take_time
    await call(channel, "GetItem")
    labels = 'grpc_method="GetItem",grpc_service="modalmesh.v1.Recommender",grpc_type="unary"'
    shown = page(told)
    assert f'grpc_server_handling_seconds_bucket{{{labels},le="0.05"}} 0.0' in shown
    total = next(line for line in shown if line.startswith(f"grpc_server_handling_seconds_sum{{{labels}}}"))
    assert 0.06 <= float(total.rpartition(" ")[2]) < 5.0


async def test_an_error_that_is_no_fault_of_ours_is_counted_once(told: Told, channel: grpc.aio.Channel) -> None:
    told.fails_with(NotFound("no such item"))
    with suppress(grpc.aio.AioRpcError):
        await call(channel, "GetItem")
    await eventually_handled(told, "GetItem", "NOT_FOUND")
