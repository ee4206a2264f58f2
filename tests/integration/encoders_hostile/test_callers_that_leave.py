"""Callers that are out of time, go away in the middle, or never take their answers, among callers that are served."""

import asyncio
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from modalmesh.errors import DeadlineExceeded
from modalmesh.v1.image_encoder_service_pb2 import ImageEncoderEncodeStreamRequest, VisualInput
from modalmesh.v1.image_encoder_service_pb2_grpc import ImageEncoderStub
from modalmesh.v1.text_encoder_service_pb2 import TextEncoderEncodeRequest, TextEncoderEncodeStreamRequest
from modalmesh.v1.text_encoder_service_pb2_grpc import TextEncoderStub
from modalmesh.v1.types_pb2 import GRANULARITY_PARTS
from tests.integration.encoder_servers import OPTIONS, refusal
from tests.unit.image_encoder.pictures import draw, encode

from .asking import CALLERS, at_once, encode_texts, encode_visuals
from .processes import EncoderProcess

# A stream may have 8 MiB of answers under way (`stream_answer_bytes`), each of which exists several times for a moment.
_MOST_MIB_A_STREAM = 60
LONG = "a text of some length " * 80


def many_texts(caller: int, count: int) -> Iterator[TextEncoderEncodeStreamRequest]:
    for number in range(count):
        text = f"{caller} {number} {LONG}"
        yield TextEncoderEncodeStreamRequest(key=str(number), text=text, granularity=GRANULARITY_PARTS)


def many_pictures(caller: int, count: int) -> Iterator[ImageEncoderEncodeStreamRequest]:
    for number in range(count):
        picture = VisualInput(image=encode(draw(), "JPEG") + f"{caller} {number}".encode())
        yield ImageEncoderEncodeStreamRequest(key=str(number), input=picture, granularity=GRANULARITY_PARTS)


async def write_until_slowed_down(call: Any, requests: Iterator[Any], seconds: float = 3.0) -> int:
    """Write to a stream whose answers nobody reads, until a write has to wait: how many were written before."""
    for written, request in enumerate(requests):
        writing = asyncio.ensure_future(call.write(request))
        done, _ = await asyncio.wait({writing}, timeout=seconds)
        if not done:
            call.cancel()
            await asyncio.wait({writing})
            return written
    raise AssertionError("it was never slowed down")


@pytest.mark.parametrize("seconds", [0.0, 0.0001, 0.001, 0.005])
async def test_a_deadline_that_is_over_is_told_so_and_others_are_served(
    text_encoder: EncoderProcess, seconds: float
) -> None:
    stub = TextEncoderStub(text_encoder.channel)
    late = [refusal(stub.Encode(TextEncoderEncodeRequest(texts=[LONG] * 64), timeout=seconds)) for _ in range(CALLERS)]
    served = asyncio.gather(*(encode_texts(text_encoder.channel, [f"in time {one}"]) for one in range(CALLERS)))
    assert {type(error) for error in await at_once(late)} == {DeadlineExceeded}
    assert all(response.embeddings.rows == 1 for response in await served)


async def leave_after_one_answer(channel: grpc.aio.Channel, caller: int) -> None:
    call = TextEncoderStub(channel).EncodeStream(many_texts(caller, 5))
    await anext(aiter(call))
    call.cancel()


async def test_callers_that_leave_in_mid_stream_leave_others_served(text_encoder: EncoderProcess) -> None:
    served = asyncio.gather(*(encode_texts(text_encoder.channel, [f"staying {one}"]) for one in range(CALLERS)))
    await at_once(leave_after_one_answer(text_encoder.channel, caller) for caller in range(CALLERS))
    assert all(response.embeddings.rows == 1 for response in await served)
    assert (await encode_texts(text_encoder.channel, ["and after them"])).embeddings.rows == 1


async def test_texts_for_a_caller_that_never_reads_are_left_unread(text_encoder: EncoderProcess) -> None:
    before = text_encoder.resident_mib
    async with grpc.aio.insecure_channel(text_encoder.address, options=OPTIONS) as channel:
        written = await write_until_slowed_down(TextEncoderStub(channel).EncodeStream(), many_texts(0, 20_000))
        response = await encode_texts(text_encoder.channel, ["served meanwhile"])
    assert (response.embeddings.rows, written < 20_000) == (1, True)
    assert text_encoder.resident_mib - before < _MOST_MIB_A_STREAM


async def test_pictures_for_a_caller_that_never_reads_are_left_unread(image_encoder: EncoderProcess) -> None:
    before = image_encoder.resident_mib
    async with grpc.aio.insecure_channel(image_encoder.address, options=OPTIONS) as channel:
        written = await write_until_slowed_down(ImageEncoderStub(channel).EncodeStream(), many_pictures(0, 20_000))
        response = await encode_visuals(image_encoder.channel, [VisualInput(image=encode(draw()))])
    assert (response.embeddings.rows, written < 20_000) == (1, True)
    assert image_encoder.resident_mib - before < _MOST_MIB_A_STREAM
