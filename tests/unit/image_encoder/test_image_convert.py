import numpy as np
import pytest

from modalmesh.embeddings import Dtype, Embeddings, ModelId
from modalmesh.errors import InvalidInput
from modalmesh.types import ModelInfo, ModelLimits
from modalmesh.v1 import image_encoder_service_pb2 as messages
from modalmesh.v1 import types_pb2
from modalmesh_services.common.encoding import EncodedBatch, Granularity, InputResult, InputState, Part
from modalmesh_services.image_encoder import convert
from modalmesh_services.image_encoder.core import VisualInput

BATCH = EncodedBatch(
    Embeddings(np.array([[0.5, -1.0]], np.float32), ModelId("m", "f")),
    (InputResult(InputState.OK, row_count=1, parts=(Part(frame_ms=40),)),),
)


def test_pictures_and_videos_are_told_apart() -> None:
    inputs = [messages.VisualInput(image=b"i"), messages.VisualInput(video=b"v"), messages.VisualInput()]
    call = convert.encode_call(messages.ImageEncoderEncodeRequest(inputs=inputs))
    pooled = Granularity.POOLED
    assert call.inputs == (
        VisualInput(b"i", False, pooled),
        VisualInput(b"v", True, pooled),
        VisualInput(b"", False, pooled),
    )
    assert call.dtype is Dtype.F32


def test_hidden_boxes_come_with_their_picture() -> None:
    hidden = [types_pb2.Part(left=0.25, right=0.5, bottom=1.0)]
    call = convert.encode_call(
        messages.ImageEncoderEncodeRequest(inputs=[messages.VisualInput(image=b"i", hidden=hidden)])
    )
    assert call.inputs == (VisualInput(b"i", False, Granularity.POOLED, ((0.25, 0.0, 0.5, 1.0),)),)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (messages.VisualInput(video=b"v", hidden=[types_pb2.Part()]), "INVALID"),
        (messages.VisualInput(image=b"i", hidden=[types_pb2.Part()] * 65), "TOO_LARGE"),
    ],
)
def test_boxes_of_a_video_and_too_many_are_refused(wrong: messages.VisualInput, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        convert.encode_call(messages.ImageEncoderEncodeRequest(inputs=[messages.VisualInput(image=b"i"), wrong]))
    assert (refused.value.field, refused.value.reason) == ("inputs[1].hidden", reason)


def test_a_stream_request_is_a_call_of_one() -> None:
    request = messages.ImageEncoderEncodeStreamRequest(
        key="k",
        input=messages.VisualInput(image=b"i"),
        granularity=types_pb2.GRANULARITY_PARTS,
        dtype=types_pb2.DATA_TYPE_F16,
    )
    assert convert.stream_call(request) == convert.EncodeCall(
        (VisualInput(b"i", False, Granularity.PARTS),), Dtype.F16, "k"
    )


@pytest.mark.parametrize(("field", "value"), [("granularity", 9), ("dtype", 9)])
def test_an_unknown_enum_is_refused_by_name(field: str, value: int) -> None:
    request = messages.ImageEncoderEncodeRequest()
    setattr(request, field, value)
    with pytest.raises(InvalidInput) as refused:
        convert.encode_call(request)
    assert refused.value.field == field


def test_a_response_keeps_rows_and_parts() -> None:
    response = convert.encode_response(BATCH, Dtype.F16)
    assert (response.embeddings.rows, response.embeddings.dtype) == (1, types_pb2.DATA_TYPE_F16)
    assert response.results[0].parts[0].frame_ms == 40


def test_a_stream_response_carries_its_key() -> None:
    response = convert.stream_response("k", BATCH, Dtype.F32)
    assert (response.key, response.result.state) == ("k", types_pb2.INPUT_STATE_OK)


def test_the_model_is_told_with_its_limits() -> None:
    info = ModelInfo("m", "f", "torch/cpu/fp32", 2, ModelLimits(image_pixels=3, video_seconds=4))
    model = convert.model_response(info).model
    assert (model.name, model.limits.image_pixels, model.limits.video_seconds) == ("m", 3, 4)
