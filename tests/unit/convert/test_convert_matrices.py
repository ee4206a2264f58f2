"""Matrices at a server's door: read, or refused by field."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modalmesh.convert_matrices import dtype_from_proto, matrix_from_proto, matrix_to_proto
from modalmesh.embeddings import Dtype, Embeddings, ModelId
from modalmesh.errors import InvalidInput, ModalmeshError, ModelMismatch
from modalmesh.v1.types_pb2 import DataType, EmbeddingMatrix

MODEL = ModelId("tiny", "f00d")
VALUES = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)


def message(dtype: Dtype = Dtype.F32) -> EmbeddingMatrix:
    return EmbeddingMatrix.FromString(matrix_to_proto(Embeddings(VALUES, MODEL), dtype).SerializeToString())


@pytest.mark.parametrize("dtype", Dtype)
def test_a_matrix_comes_back_with_its_model(dtype: Dtype) -> None:
    read = matrix_from_proto(message(dtype), field="text", dim=3, fingerprint="f00d")
    assert np.allclose(read.values, VALUES, atol=0.01)
    assert read.model == MODEL


def test_numbers_of_dtypes_are_the_contracts() -> None:
    assert {f"DATA_TYPE_{dtype.name}": int(dtype) for dtype in Dtype} == {
        name: number for name, number in DataType.items() if number
    }


def test_a_wrong_dim_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        matrix_from_proto(message(), field="text", dim=4)
    assert (caught.value.field, caught.value.reason) == ("text.dim", "WRONG_DIM")
    assert caught.value.detail == "is 3 instead of 4"


def test_vectors_of_another_model_are_a_mismatch_that_names_both() -> None:
    with pytest.raises(ModelMismatch, match=r"text\.model_fingerprint.*'f00d'.*'beef'"):
        matrix_from_proto(message(), field="text", fingerprint="beef")


@pytest.mark.parametrize("number", [0, 5, 77])
def test_a_wrong_dtype_is_refused(number: int) -> None:
    wrong = message()
    wrong.dtype = number  # type: ignore[assignment] # an open enum takes any number from the wire
    with pytest.raises(InvalidInput) as caught:
        matrix_from_proto(wrong, field="text")
    assert (caught.value.field, caught.value.reason) == ("text.dtype", "WRONG_DTYPE")


def test_nan_is_refused() -> None:
    torn = message()
    torn.data = np.full((2, 3), np.nan, "<f4").tobytes()
    with pytest.raises(InvalidInput) as caught:
        matrix_from_proto(torn, field="image")
    assert (caught.value.field, caught.value.reason) == ("image.data", "NOT_FINITE")


@pytest.mark.parametrize(("rows", "dim"), [(2**32 - 1, 2**32 - 1), (3, 3), (2, 4)])
def test_misdeclared_rows_or_dim_are_refused_before_anything_is_allocated(rows: int, dim: int) -> None:
    torn = message()
    torn.rows, torn.dim = rows, dim
    with pytest.raises(InvalidInput) as caught:
        matrix_from_proto(torn, field="text")
    assert (caught.value.field, caught.value.reason) == ("text.data", "WRONG_SIZE")


def test_a_message_without_rows_may_leave_all_else_unset() -> None:
    assert matrix_from_proto(EmbeddingMatrix(), field="text", dim=384).values.shape == (0, 384)


def test_an_empty_matrix_of_the_right_model_is_read() -> None:
    empty = matrix_to_proto(Embeddings(np.zeros((0, 3), np.float32), MODEL))
    assert matrix_from_proto(empty, field="text", dim=3, fingerprint="f00d").rows == 0


def test_a_message_without_rows_but_with_numbers_is_refused() -> None:
    with pytest.raises(InvalidInput):
        matrix_from_proto(EmbeddingMatrix(data=b"\0\0\0\0"), field="text")


@given(st.binary(max_size=80))
def test_any_bytes_of_the_wire_are_read_or_refused(raw: bytes) -> None:
    torn = message()
    torn.data = raw
    error = refusal(torn)
    assert (error is None) == (len(raw) == 24 and bool(np.isfinite(np.frombuffer(raw, "<f4")).all()))


def refusal(matrix: EmbeddingMatrix) -> ModalmeshError | None:
    try:
        matrix_from_proto(matrix, field="text")
    except ModalmeshError as error:
        return error
    return None


def test_an_unspecified_dtype_is_the_default_where_there_is_one() -> None:
    assert dtype_from_proto(0, field="dtype", default=Dtype.F16) is Dtype.F16
    assert dtype_from_proto(4, field="dtype", default=Dtype.F16) is Dtype.I8
    with pytest.raises(InvalidInput, match="unknown dtype 0"):
        dtype_from_proto(0, field="dtype")
