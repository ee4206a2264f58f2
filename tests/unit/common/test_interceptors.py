"""Over real gRPC, sync and async: what a servicer raises is what the caller's stub gives back."""

import asyncio
import logging
from typing import Any

import grpc
import pytest

from modalmesh import errors
from modalmesh.status import from_rpc_error
from modalmesh.v1 import recommender_service_pb2 as gateway
from modalmesh.v1.recommender_service_pb2_grpc import RecommenderStub
from modalmesh.v1.text_encoder_service_pb2 import TextEncoderEncodeStreamRequest, TextEncoderGetModelRequest
from modalmesh.v1.text_encoder_service_pb2_grpc import TextEncoderStub
from modalmesh_services.common.configuration.settings import ServerSettings
from modalmesh_services.common.handlers import Context
from modalmesh_services.common.interceptors import deadline_of
from tests.unit.common.told import Told

ERRORS = [
    errors.InvalidInput("items[3].title", "has no letters", reason="EMPTY"),
    errors.TooLarge("image", "has 2 bytes of at most 1"),
    errors.NotFound("no item 'ä'", reason="ITEM_NOT_FOUND"),
    errors.ModelMismatch("vectors of 'a' where 'b' is served"),
    errors.Overloaded("the queue is full", retry_after=0.25),
    errors.Unavailable("redis", "can't connect", retry_after=2.5),
    errors.DeadlineExceeded("too late"),
    errors.InternalError("a fault"),
]
BY_CLASS = pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
FIXED_TEXT = "internal error; the server's log has the details"


def fields(error: errors.ModalmeshError) -> dict[str, Any]:
    """What the server raised; the request's id is beside it."""
    return {name: value for name, value in vars(error).items() if name != "request_id"}


async def get_item(channel: grpc.aio.Channel) -> errors.ModalmeshError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await RecommenderStub(channel).GetItem(gateway.GetItemRequest(), timeout=10)
    return from_rpc_error(caught.value)


def get_item_sync(address: str) -> errors.ModalmeshError:
    with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as caught:
        RecommenderStub(channel).GetItem(gateway.GetItemRequest(), timeout=10)
    return from_rpc_error(caught.value)


def get_embeddings_sync(address: str) -> errors.ModalmeshError:
    with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as caught:
        list(RecommenderStub(channel).GetEmbeddings(gateway.GetEmbeddingsRequest(), timeout=10))
    return from_rpc_error(caught.value)


@BY_CLASS
async def test_every_class_comes_back_async(
    told: Told, channel: grpc.aio.Channel, error: errors.ModalmeshError
) -> None:
    told.fails_with(error)
    read = await get_item(channel)
    assert type(read) is type(error)
    assert fields(read) == vars(error)


@BY_CLASS
async def test_every_class_comes_back_sync(told: Told, error: errors.ModalmeshError) -> None:
    told.fails_with(error)
    read = await asyncio.to_thread(get_item_sync, told.server.address)
    assert type(read) is type(error)
    assert fields(read) == vars(error)


async def test_an_error_in_the_middle_of_a_stream_comes_back_sync(told: Told) -> None:
    told.fails_with(ERRORS[0])
    read = await asyncio.to_thread(get_embeddings_sync, told.server.address)
    assert fields(read) == vars(ERRORS[0])


async def test_an_error_comes_after_the_answers_before_it(told: Told, channel: grpc.aio.Channel) -> None:
    told.fails_with(ERRORS[5])
    call = RecommenderStub(channel).GetEmbeddings(gateway.GetEmbeddingsRequest(), timeout=10)
    answers = aiter(call)
    await anext(answers)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await anext(answers)
    assert fields(from_rpc_error(caught.value)) == vars(ERRORS[5])


async def test_a_client_stream_is_guarded(told: Told, channel: grpc.aio.Channel) -> None:
    told.fails_with(ERRORS[1])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await RecommenderStub(channel).UpsertItems(iter([gateway.UpsertItemsRequest()]), timeout=10)
    assert fields(from_rpc_error(caught.value)) == vars(ERRORS[1])


async def test_a_stream_both_ways_is_guarded(told: Told, channel: grpc.aio.Channel) -> None:
    told.fails_with(ERRORS[4])
    call = TextEncoderStub(channel).EncodeStream(iter([TextEncoderEncodeStreamRequest(key="a")]), timeout=10)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await anext(aiter(call))
    assert fields(from_rpc_error(caught.value)) == vars(ERRORS[4])


async def test_all_four_kinds_answer_when_nothing_fails(told: Told, channel: grpc.aio.Channel) -> None:
    gateway_stub, encoder_stub = RecommenderStub(channel), TextEncoderStub(channel)
    assert await gateway_stub.GetItem(gateway.GetItemRequest()) == gateway.GetItemResponse()
    assert (await gateway_stub.UpsertItems(iter([gateway.UpsertItemsRequest()]))).created == 1
    assert len([answer async for answer in gateway_stub.GetEmbeddings(gateway.GetEmbeddingsRequest())]) == 1
    stream = encoder_stub.EncodeStream(iter([TextEncoderEncodeStreamRequest(key="a")]))
    assert [answer.key async for answer in stream] == ["a"]


async def test_an_unknown_error_answers_fixed_text_and_is_logged(
    told: Told, channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    told.fails_with(ZeroDivisionError("the password is 1234"))
    with caplog.at_level(logging.ERROR):
        read = await get_item(channel)
    assert (type(read), read.message) == (errors.InternalError, FIXED_TEXT)
    assert "Traceback" in caplog.text
    assert "the password is 1234" in caplog.text


async def test_a_known_error_is_not_logged_as_a_fault(
    told: Told, channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    told.fails_with(ERRORS[2])
    await get_item(channel)
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("text", ["x" * 1_000_000, "🎬" * 100_000])
async def test_a_megabyte_quoted_in_an_error_still_comes_back(told: Told, channel: grpc.aio.Channel, text: str) -> None:
    told.fails_with(errors.InvalidInput("items[0].item_id", f"unknown {text}", reason="TOO_LONG"))
    read = await get_item(channel)
    assert isinstance(read, errors.InvalidInput)
    assert (read.field, read.reason) == ("items[0].item_id", "TOO_LONG")


async def test_a_request_above_the_limit_is_too_large() -> None:
    told = Told(ServerSettings(max_message_bytes=1000))
    await told.server.start()
    async with grpc.aio.insecure_channel(told.server.address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await RecommenderStub(channel).GetItem(gateway.GetItemRequest(item_id="x" * 2000), timeout=10)
    await told.server.stop()
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert type(from_rpc_error(caught.value)) is errors.TooLarge


@pytest.mark.parametrize("raw", [b"\x0a\x02\xff\xfe", b"\xff"], ids=["no UTF-8", "no message"])
async def test_bytes_that_are_no_request_are_refused_and_not_logged_as_a_fault(
    channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture, raw: bytes
) -> None:
    unary: Any = channel.unary_unary("/modalmesh.v1.Recommender/GetItem")
    stream: Any = channel.stream_unary("/modalmesh.v1.Recommender/UpsertItems")
    for call in (unary(raw, timeout=10), stream(iter([raw]), timeout=10)):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        read = from_rpc_error(caught.value)
        assert isinstance(read, errors.InvalidInput)
        assert (read.field, read.reason) == ("request", "NOT_A_MESSAGE")
    assert "Traceback" not in caplog.text


async def test_a_call_that_its_caller_left_is_cancelled(told: Told, channel: grpc.aio.Channel) -> None:
    entered, left = asyncio.Event(), asyncio.Event()

    async def wait_for_cancel(context: Context) -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    told.behaviour = wait_for_cancel
    call = RecommenderStub(channel).GetItem(gateway.GetItemRequest())
    await asyncio.wait_for(entered.wait(), 10)
    call.cancel()
    await asyncio.wait_for(left.wait(), 10)


@pytest.mark.parametrize(("timeout", "least", "most"), [(20.0, 15, 21), (None, 2.5, 3)])
async def test_deadline_is_the_callers_or_else_the_default(
    told: Told, channel: grpc.aio.Channel, timeout: float | None, least: float, most: float
) -> None:
    seen: list[float] = []

    async def note(context: Context) -> None:
        seen.append(deadline_of(context, default_seconds=3).remaining)

    told.behaviour = note
    await RecommenderStub(channel).GetItem(gateway.GetItemRequest(), timeout=timeout)
    assert least <= seen[0] <= most


async def test_no_deadline_and_no_default_is_a_year(told: Told, channel: grpc.aio.Channel) -> None:
    seen: list[float] = []

    async def note(context: Context) -> None:
        seen.append(deadline_of(context).remaining)

    told.behaviour = note
    await RecommenderStub(channel).GetItem(gateway.GetItemRequest())
    assert 360 * 86400 < seen[0] < 366 * 86400


async def test_an_unknown_method_is_unimplemented(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await TextEncoderStub(channel).GetModel(TextEncoderGetModelRequest(), timeout=10)
    assert from_rpc_error(caught.value).reason == "UNIMPLEMENTED"
