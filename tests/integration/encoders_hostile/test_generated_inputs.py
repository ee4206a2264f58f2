"""Thousands of generated bad inputs to real processes: none crashes one, is answered by INTERNAL, or isn't answered."""

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import grpc
import pytest
from google.protobuf.message import Message

from modalmesh.embeddings import FloatMatrix
from modalmesh.v1.image_encoder_service_pb2 import ImageEncoderEncodeRequest, VisualInput
from modalmesh.v1.text_encoder_service_pb2 import TextEncoderEncodeRequest
from modalmesh.v1.types_pb2 import INPUT_STATE_INVALID as INVALID
from modalmesh.v1.types_pb2 import InputState
from tests.integration.encoder_servers import OPTIONS
from tests.unit.image_encoder.pictures import draw, encode

from .asking import CALLERS, PATIENCE, Response, encode_texts, encode_visuals, least_cosine, vectors
from .hostile_messages import RawCall, hostile_call
from .hostile_texts import hostile_text
from .hostile_visuals import hostile_visual
from .processes import EncoderProcess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

INPUTS, MESSAGES = 1_200, 600
GOODS = 200
# What a bad call may be answered by.
REFUSALS = {"INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"}
TEXTS = [f"good text number {number} " + "of some length " * (number % 9) for number in range(GOODS)]
PICTURES = [VisualInput(image=encode(draw(40 + number, 50), "JPEG")) for number in range(GOODS)]


async def by_callers(calls: Iterable[Callable[[], Awaitable[str]]]) -> Counter[str]:
    """Make the calls, each by the next of 64 callers that is free: how many ended how."""
    waiting, ended = iter(calls), Counter[str]()

    async def caller() -> None:
        for call in waiting:
            try:
                ended[await call()] += 1
            except grpc.aio.AioRpcError as error:
                ended[error.code().name] += 1

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return ended


async def among_goods(
    encode_all: Callable[[list[object]], Awaitable[Response]],
    goods: Sequence[object],
    lone: FloatMatrix,
    bad: object,
    at: int,
) -> str:
    """Send a bad input between two good ones: what became of it, once both are as if they were alone."""
    first, second = at % GOODS, (at + 1) % GOODS
    response = await encode_all([goods[first], bad, goods[second]])
    if least_cosine([vectors(response, 0, 2)], [lone[[first, second]]]) < 0.9999:
        return "neighbours harmed"
    result = response.results[1]
    # A fault of the model's may not pass for one of the input's.
    failed = result.state == INVALID and "the model failed" in result.reason
    return result.reason if failed else InputState.Name(result.state)


def answered(channel: grpc.Channel, service: str, call: RawCall) -> str:
    """How a call ended. By gRPC's other client: the asynchronous one says INTERNAL itself when a stream is ended while
    it still writes.
    """
    path = f"/modalmesh.v1.{service}/{call.method}"
    try:
        if call.method == "EncodeStream":
            list(channel.stream_stream(path, bytes, bytes)(iter(call.requests), timeout=PATIENCE))
        else:
            channel.unary_unary(path, bytes, bytes)(call.requests[0], timeout=PATIENCE)
    except grpc.RpcError as error:
        return str(error.code().name)
    return "answered"


def ends_of_messages(encoder: EncoderProcess, service: str, well: Message) -> Counter[str]:
    calls = [hostile_call(seed, well.SerializeToString()) for seed in range(MESSAGES)]
    with grpc.insecure_channel(encoder.address, options=OPTIONS) as channel, ThreadPoolExecutor(CALLERS) as callers:
        return Counter(callers.map(partial(answered, channel, service), calls))


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str, Counter[str]], None]:
    def saying(name: str, ended: Counter[str]) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{name}: {ended.total()} {dict(ended)}\n")

    return saying


STATES = {"INPUT_STATE_OK", "INPUT_STATE_TRUNCATED", "INPUT_STATE_INVALID"}


async def test_texts(text_encoder: EncoderProcess, say: Callable[[str, Counter[str]], None]) -> None:
    encode_all = partial(encode_texts, text_encoder.channel)
    lone = vectors(await encode_all(TEXTS), *range(GOODS))
    ended = await by_callers(
        partial(among_goods, encode_all, TEXTS, lone, hostile_text(seed), seed) for seed in range(INPUTS)
    )
    say("texts", ended)
    assert ended.total() == INPUTS
    assert set(ended) <= STATES
    assert text_encoder.faults() == []


async def test_pictures_and_videos(image_encoder: EncoderProcess, say: Callable[[str, Counter[str]], None]) -> None:
    encode_all = partial(encode_visuals, image_encoder.channel)
    lone = vectors(await encode_all(PICTURES), *range(GOODS))
    ended = await by_callers(
        partial(among_goods, encode_all, PICTURES, lone, hostile_visual(seed), seed) for seed in range(INPUTS)
    )
    say("pictures and videos", ended)
    assert ended.total() == INPUTS
    assert set(ended) <= STATES
    assert image_encoder.faults() == []


async def test_messages_to_the_text_encoder(
    text_encoder: EncoderProcess, say: Callable[[str, Counter[str]], None]
) -> None:
    ended = await asyncio.to_thread(
        ends_of_messages, text_encoder, "TextEncoder", TextEncoderEncodeRequest(texts=["a dog", "a cat"])
    )
    say("messages to the text encoder", ended)
    assert ended.total() == MESSAGES
    assert set(ended) <= {"answered", *REFUSALS}
    assert text_encoder.faults() == []


async def test_messages_to_the_image_encoder(
    image_encoder: EncoderProcess, say: Callable[[str, Counter[str]], None]
) -> None:
    ended = await asyncio.to_thread(
        ends_of_messages, image_encoder, "ImageEncoder", ImageEncoderEncodeRequest(inputs=PICTURES[:2])
    )
    say("messages to the image encoder", ended)
    assert ended.total() == MESSAGES
    assert set(ended) <= {"answered", *REFUSALS}
    assert image_encoder.faults() == []
