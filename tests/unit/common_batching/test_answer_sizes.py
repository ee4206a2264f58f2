"""How large answers get: the bound before encoding, and the exact size before sending."""

import numpy as np
import pytest

from modalmesh.convert_matrices import matrix_to_proto
from modalmesh.embeddings import Dtype, ModelId
from modalmesh.errors import TooLarge
from modalmesh.v1.text_encoder_service_pb2 import TextEncoderEncodeResponse
from modalmesh_services.common.answers import check_answer, most_bytes, too_large
from modalmesh_services.common.convert_encoding import fitting, results_to_proto
from modalmesh_services.common.encoding import Encoded, Part, assemble

MODEL = ModelId("a-model-with-a-name", "f" * 32)
FARTHEST = Part(2**20 - 1, 2**20, 0.1, 0.2, 0.3, 0.4, 600_000)


def response(rows: int, dim: int, dtype: Dtype) -> TextEncoderEncodeResponse:
    """Of one input, with all that may be said of its rows."""
    encoded = Encoded(np.ones((rows, dim), np.float32), (FARTHEST,) * rows, "is longer than 256 tokens, and so on")
    batch = assemble([encoded], MODEL, dim, "texts")
    return TextEncoderEncodeResponse(
        embeddings=matrix_to_proto(batch.embeddings, dtype), results=results_to_proto(batch.results)
    )


@pytest.mark.parametrize("dtype", list(Dtype))
@pytest.mark.parametrize("rows", [1, 300])
def test_no_answer_is_larger_than_was_foreseen_and_hardly_smaller(rows: int, dtype: Dtype) -> None:
    size, expected = response(rows, 384, dtype).ByteSize(), most_bytes(rows, 384, dtype)
    assert 0.9 * expected - 64 <= size <= expected


def test_an_answer_that_may_not_fit_is_refused_with_field_and_both_numbers() -> None:
    check_answer(1_000, 1_000, "texts")
    with pytest.raises(TooLarge, match="texts: may give an answer of 1001 bytes, the limit is 1000: send fewer"):
        check_answer(1_001, 1_000, "texts")


def test_an_input_that_is_too_large_all_by_itself_says_so() -> None:
    assert too_large(1_000, 1_000) is None
    assert str(too_large(1_001, 1_000)) == "may give an answer of 1001 bytes, the limit is 1000"


@pytest.mark.parametrize("dtype", list(Dtype))
def test_an_answer_is_refused_exactly_where_it_does_not_fit(dtype: Dtype) -> None:
    made = response(20, 8, dtype)
    assert fitting(made, made.ByteSize(), "texts") is made
    with pytest.raises(TooLarge, match="texts: gives an answer of"):
        fitting(made, made.ByteSize() - 1, "texts")
