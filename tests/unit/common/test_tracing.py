"""What a served call's span says of the work that was done for it, over real gRPC."""

import asyncio
from collections.abc import Iterator

import grpc
import pytest

from modalmesh.v1.recommender_service_pb2 import GetItemRequest
from modalmesh.v1.recommender_service_pb2_grpc import RecommenderStub
from modalmesh.v1.text_encoder_service_pb2 import TextEncoderEncodeStreamRequest
from modalmesh.v1.text_encoder_service_pb2_grpc import TextEncoderStub
from modalmesh_services.common.handlers import Context
from modalmesh_services.common.observability import tracing
from tests.integration.gateway.traces import Spans, number, traced
from tests.unit.common.told import RECOMMENDER, TEXT_ENCODER, Told


@pytest.fixture
def spans() -> Iterator[Spans]:
    with traced() as spans:
        yield spans


async def work(queue_ms: float) -> None:
    """As an engine does: of tasks that the call has started."""
    await asyncio.sleep(0)
    tracing.note(queue_ms=queue_ms, device_ms=1.5)


def noted(spans: Spans, method: str) -> dict[str, object]:
    attributes = spans.one(method, "SERVER").attributes or {}
    return {name: attributes.get(f"modalmesh.{name}") for name in ("queue_ms", "device_ms", "pieces")}


async def test_a_streams_pieces_are_added_up(spans: Spans, told: Told, channel: grpc.aio.Channel) -> None:
    async def behave(_: Context) -> None:
        await asyncio.gather(*(asyncio.create_task(work(wait)) for wait in (1.0, 2.0)))

    told.behaviour = behave
    requests = [TextEncoderEncodeStreamRequest(key=key) for key in "abc"]
    assert len([answer async for answer in TextEncoderStub(channel).EncodeStream(iter(requests), timeout=10)]) == 3
    assert noted(spans, f"{TEXT_ENCODER}/EncodeStream") == {"queue_ms": 9.0, "device_ms": 9.0, "pieces": 6}


async def test_calls_side_by_side_have_their_own_times(spans: Spans, told: Told, channel: grpc.aio.Channel) -> None:
    both = asyncio.Barrier(2)
    waits = iter((1.0, 2.0))

    async def behave(_: Context) -> None:
        wait = next(waits)
        await both.wait()
        await work(wait)

    told.behaviour = behave
    await asyncio.gather(*(RecommenderStub(channel).GetItem(GetItemRequest(), timeout=10) for _ in range(2)))
    served = spans.of(f"{RECOMMENDER}/GetItem", "SERVER")
    assert {number(span, "modalmesh.queue_ms") for span in served} == {1.0, 2.0}
    assert [number(span, "modalmesh.pieces") for span in served] == [1, 1]


async def test_a_call_of_which_nothing_was_noted_says_nothing(
    spans: Spans, told: Told, channel: grpc.aio.Channel
) -> None:
    await RecommenderStub(channel).GetItem(GetItemRequest(), timeout=10)
    assert set(noted(spans, f"{RECOMMENDER}/GetItem").values()) == {None}


async def test_work_of_nobodys_is_noted_nowhere(spans: Spans) -> None:
    await work(1.0)
    assert not spans.all()
