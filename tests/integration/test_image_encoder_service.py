"""The image encoder as its callers see it: a real server with the packaged weights, over real gRPC."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import numpy as np
import pytest

from modalmesh.convert_matrices import matrix_from_proto
from modalmesh.errors import DeadlineExceeded, InvalidInput, TooLarge
from modalmesh.v1 import types_pb2
from modalmesh.v1.image_encoder_service_pb2 import (
    ImageEncoderEncodeRequest,
    ImageEncoderEncodeStreamRequest,
    ImageEncoderGetModelRequest,
    VisualInput,
)
from modalmesh.v1.image_encoder_service_pb2_grpc import ImageEncoderStub
from modalmesh_services.image_encoder.__main__ import build
from modalmesh_services.image_encoder.loading import LoadedImage, load
from modalmesh_services.image_encoder.servicer import SERVICE_NAME
from modalmesh_services.image_encoder.settings import ImageEncoderSettings
from tests.released import RELEASED, Contract, ReleasedCaller
from tests.unit.image_encoder.pictures import draw, encode, huge_png, noise, video

from .encoder_servers import Gated, health, listed_services, refusal, run_in_vain, run_until_sigterm, serve

if TYPE_CHECKING:
    # The stubs of types alone know it.
    from modalmesh.v1.image_encoder_service_pb2_grpc import ImageEncoderAsyncStub

MODULE = "modalmesh_services.image_encoder"
OK, INVALID = types_pb2.INPUT_STATE_OK, types_pb2.INPUT_STATE_INVALID
GOOD = encode(draw(), "JPEG")


def pictures(*contents: bytes) -> list[VisualInput]:
    return [VisualInput(image=content) for content in contents]


@pytest.fixture(scope="module")
def loaded() -> LoadedImage:
    return load(ImageEncoderSettings())


@pytest.fixture(scope="module")
async def channel(loaded: LoadedImage) -> AsyncIterator[grpc.aio.Channel]:
    server, core = build(ImageEncoderSettings(), loaded)
    async with await serve(server, core) as channel:
        yield channel
    await server.stop()
    await core.stop()


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> "ImageEncoderAsyncStub":
    return ImageEncoderStub(channel)


async def test_it_is_serving_and_can_be_reflected(channel: grpc.aio.Channel) -> None:
    assert [await health(channel, name) for name in ("", SERVICE_NAME)] == ["SERVING", "SERVING"]
    assert SERVICE_NAME in await listed_services(channel)


async def test_pictures_become_vectors_of_the_model_that_it_names(stub: "ImageEncoderAsyncStub") -> None:
    response = await stub.Encode(ImageEncoderEncodeRequest(inputs=pictures(GOOD, encode(noise()))))
    model = (await stub.GetModel(ImageEncoderGetModelRequest())).model
    matrix = matrix_from_proto(response.embeddings, field="embeddings", dim=model.dim, fingerprint=model.fingerprint)
    assert matrix.values.shape == (2, 1280)
    assert np.allclose(np.linalg.norm(matrix.values, axis=1), 1, atol=1e-5)
    assert (model.name, model.limits.video_frames) == ("efficientnet-lite0", 8)


@pytest.mark.parametrize("release", RELEASED, ids=lambda path: path.stem)
async def test_callers_of_a_released_contract_are_answered(channel: grpc.aio.Channel, release: Path) -> None:
    caller, picture = ReleasedCaller(Contract.read(release), channel), base64.b64encode(GOOD).decode()
    model = (await caller.call(f"{SERVICE_NAME}.GetModel"))["model"]
    encoded = await caller.call(f"{SERVICE_NAME}.Encode", inputs=[{"image": picture}, {"image": ""}])
    streamed = await caller.call(f"{SERVICE_NAME}.EncodeStream", key="one", input={"image": picture})
    assert [result["state"] for result in encoded["results"]] == ["INPUT_STATE_OK", "INPUT_STATE_INVALID"]
    assert (encoded["embeddings"]["rows"], encoded["embeddings"]["dim"]) == (1, model["dim"])
    assert (streamed["key"], streamed["embeddings"]["modelFingerprint"]) == ("one", model["fingerprint"])


async def test_bad_pictures_are_named_and_their_neighbours_encoded(stub: "ImageEncoderAsyncStub") -> None:
    contents = [GOOD, GOOD[: len(GOOD) // 2], b"text called .jpg", huge_png(), b"", encode(noise(), "WEBP")]
    inputs = [*pictures(*contents), VisualInput(video=b"no video")]
    response = await stub.Encode(ImageEncoderEncodeRequest(inputs=inputs))
    assert [result.state for result in response.results] == [OK, INVALID, INVALID, INVALID, INVALID, OK, INVALID]
    assert response.embeddings.rows == 2
    for number in (1, 2, 3, 4, 6):
        assert response.results[number].reason.startswith(f"inputs[{number}]: ")


async def test_a_video_gets_a_row_a_frame(stub: "ImageEncoderAsyncStub") -> None:
    inputs = [VisualInput(video=video(40)), *pictures(GOOD)]
    response = await stub.Encode(ImageEncoderEncodeRequest(inputs=inputs))
    clip, still = response.results
    assert (clip.row_count, still.first_row, response.embeddings.rows) == (8, 8, 9)
    assert [part.frame_ms for part in clip.parts] == [200, 700, 1200, 1700, 2100, 2600, 3100, 3600]


async def test_parts_have_boxes(stub: "ImageEncoderAsyncStub") -> None:
    request = ImageEncoderEncodeRequest(inputs=pictures(GOOD), granularity=types_pb2.GRANULARITY_PARTS)
    (result,) = (await stub.Encode(request)).results
    assert result.row_count == len(result.parts) == 49
    assert all(0 <= part.left < part.right <= 1 and 0 <= part.top < part.bottom <= 1 for part in result.parts)


async def test_an_empty_batch_is_refused_with_its_field(stub: "ImageEncoderAsyncStub") -> None:
    error = await refusal(stub.Encode(ImageEncoderEncodeRequest()))
    assert isinstance(error, InvalidInput)
    assert (error.field, error.reason) == ("inputs", "EMPTY_BATCH")


async def test_a_batch_over_the_limit_is_refused_with_its_field(stub: "ImageEncoderAsyncStub") -> None:
    error = await refusal(stub.Encode(ImageEncoderEncodeRequest(inputs=pictures(*[b"x"] * 1025))))
    assert isinstance(error, TooLarge)
    assert error.field == "inputs"


async def test_a_stream_answers_every_key(stub: "ImageEncoderAsyncStub") -> None:
    contents = {f"key-{number}": encode(noise(40, 30, number)) for number in range(20)} | {"bad": b"bad"}
    requests = [ImageEncoderEncodeStreamRequest(key=key, input=VisualInput(image=one)) for key, one in contents.items()]
    answers = {answer.key: answer async for answer in stub.EncodeStream(iter(requests))}
    assert set(answers) == set(contents)
    assert [key for key, answer in answers.items() if answer.result.state == INVALID] == ["bad"]
    assert all(answer.embeddings.rows == 1 for key, answer in answers.items() if key != "bad")


async def test_expired_work_never_reaches_the_device_and_a_stop_finishes_the_rest(loaded: LoadedImage) -> None:
    gate = Gated(loaded.model)
    placement = replace(loaded.placement, threads=1)
    server, core = build(ImageEncoderSettings(), replace(loaded, model=gate, placement=placement))  # type: ignore[arg-type] # alike
    async with await serve(server, core) as channel:
        stub = ImageEncoderStub(channel)
        gate.close()
        accepted = stub.Encode(ImageEncoderEncodeRequest(inputs=pictures(GOOD)))
        await asyncio.to_thread(gate.entered.wait)
        late = ImageEncoderEncodeRequest(inputs=pictures(encode(noise())))
        assert isinstance(await refusal(stub.Encode(late, timeout=0.2)), DeadlineExceeded)
        stopping = asyncio.ensure_future(server.stop())
        await asyncio.sleep(0.1)
        gate.gate.set()
        assert (await accepted).results[0].state == OK
        await stopping
        await core.stop()
    assert gate.batches == [1]


async def test_the_process_serves_until_sigterm() -> None:
    async def ask(address: str) -> None:
        async with grpc.aio.insecure_channel(address) as channel:
            assert await health(channel, SERVICE_NAME) == "SERVING"
            response = await ImageEncoderStub(channel).Encode(ImageEncoderEncodeRequest(inputs=pictures(GOOD)))
            assert response.embeddings.rows == 1

    assert await run_until_sigterm(MODULE, ask) == 0


async def test_a_wrong_setting_ends_with_2_and_a_missing_model_with_1() -> None:
    code, said = await run_in_vain(MODULE, "--device", "tpu")
    assert (code, "--device (MODALMESH_IMAGE_ENCODER_DEVICE)" in said) == (2, True)
    code, said = await run_in_vain(MODULE, "--model", "/no/such/folder")
    assert code == 1
    assert "image-encoder can't run: --model /no/such/folder: there is no such folder" in said
