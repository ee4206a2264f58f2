import numpy as np
import pytest

from modalmesh.convert_matrices import matrix_from_proto
from modalmesh.embeddings import Dtype, Embeddings, ModelId
from modalmesh.errors import InvalidInput
from modalmesh.types import ModelInfo, ModelLimits
from modalmesh.v1 import text_encoder_service_pb2 as messages
from modalmesh.v1 import types_pb2
from modalmesh_services.common.encoding import EncodedBatch, Granularity, InputResult, InputState
from modalmesh_services.text_encoder import convert

BATCH = EncodedBatch(
    Embeddings(np.array([[0.5, -1.0]], np.float32), ModelId("m", "f")),
    (InputResult(InputState.OK, row_count=1), InputResult(InputState.INVALID, "texts[1]: is empty")),
)


def test_an_unset_request_means_pooled_float32() -> None:
    call = convert.encode_call(messages.TextEncoderEncodeRequest(texts=["a", "b"]))
    assert call == convert.EncodeCall(("a", "b"), Granularity.POOLED, Dtype.F32)


def test_a_stream_request_is_a_call_of_one() -> None:
    request = messages.TextEncoderEncodeStreamRequest(key="k", text="a", granularity=types_pb2.GRANULARITY_PARTS)
    assert convert.stream_call(request) == convert.EncodeCall(("a",), Granularity.PARTS, Dtype.F32, "k")


@pytest.mark.parametrize(("field", "value"), [("granularity", 9), ("dtype", 9)])
def test_an_unknown_enum_is_refused_by_name(field: str, value: int) -> None:
    request = messages.TextEncoderEncodeRequest(texts=["a"])
    setattr(request, field, value)
    with pytest.raises(InvalidInput) as refused:
        convert.encode_call(request)
    assert refused.value.field == field


@pytest.mark.parametrize("dtype", list(Dtype))
def test_a_response_keeps_rows_results_and_model(dtype: Dtype) -> None:
    response = convert.encode_response(BATCH, dtype)
    read = matrix_from_proto(response.embeddings, field="embeddings")
    assert np.allclose(read.values, BATCH.embeddings.values, atol=0.01)
    assert read.model == ModelId("m", "f")
    assert [result.reason for result in response.results] == ["", "texts[1]: is empty"]


def test_a_stream_response_carries_its_key() -> None:
    response = convert.stream_response("k", BATCH, Dtype.F32)
    assert (response.key, response.result.state) == ("k", types_pb2.INPUT_STATE_OK)


def test_the_model_is_told_with_its_limits() -> None:
    info = ModelInfo("m", "f", "torch/cpu/fp32", 2, ModelLimits(batch_inputs=3, tokens=4, text_bytes=5))
    model = convert.model_response(info).model
    assert (model.name, model.fingerprint, model.build, model.dim) == ("m", "f", "torch/cpu/fp32", 2)
    assert (model.limits.batch_inputs, model.limits.tokens, model.limits.text_bytes) == (3, 4, 5)
