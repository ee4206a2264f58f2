"""Stored vectors describe themselves: what comes back is what went in, or an error."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from modalmesh.embeddings import Embeddings, FloatMatrix, ModelId
from modalmesh.errors import InvalidInput
from modalmesh_gateway.store.vectors import CorruptValueError, decode_vectors, encode_vectors

NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)
SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 8))
MATRICES = arrays.arrays(np.float32, SHAPES, elements=NUMBERS)


def cosines(left: FloatMatrix, right: FloatMatrix) -> list[float]:
    """In double precision, each row scaled first, so that neither large nor small numbers get lost."""
    pairs = zip(left.astype(np.float64), right.astype(np.float64), strict=True)
    result = []
    for a, b in pairs:
        if not a.any() and not b.any():
            result.append(1.0)
            continue
        a, b = a / np.abs(a).max(), b / max(np.abs(b).max(), 1e-300)
        result.append(float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b))))
    return result


@given(values=MATRICES, name=st.text(max_size=20), fingerprint=st.text(max_size=20))
def test_any_matrix_comes_back_with_its_model_and_direction(values: FloatMatrix, name: str, fingerprint: str) -> None:
    stored = decode_vectors(encode_vectors(Embeddings(values, ModelId(name, fingerprint))))
    assert stored.model == ModelId(name, fingerprint)
    assert stored.values.shape == values.shape
    assert min(cosines(values, stored.values)) > 1 - 5e-7


@given(values=MATRICES, data=st.data())
def test_a_flipped_bit_is_seen(values: FloatMatrix, data: st.DataObject) -> None:
    value = bytearray(encode_vectors(Embeddings(values, ModelId("m", "f"))))
    position = data.draw(st.integers(0, len(value) - 1))
    value[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(CorruptValueError):
        decode_vectors(bytes(value))


@given(values=MATRICES, data=st.data())
def test_a_torn_value_is_seen(values: FloatMatrix, data: st.DataObject) -> None:
    value = encode_vectors(Embeddings(values))
    with pytest.raises(CorruptValueError):
        decode_vectors(value[: data.draw(st.integers(0, len(value) - 1))])


@given(value=st.binary(max_size=100))
def test_foreign_bytes_are_seen(value: bytes) -> None:
    with pytest.raises(CorruptValueError):
        decode_vectors(value)


@pytest.mark.parametrize("dim", [384, 768, 2048, 4096])
def test_unit_vectors_take_two_bytes_a_number_and_keep_their_direction(dim: int) -> None:
    values = np.random.default_rng(dim).standard_normal((64, dim)).astype(np.float32)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    value = encode_vectors(Embeddings(values))
    assert len(value) < 64 * dim * 2 + 64
    assert min(cosines(values, decode_vectors(value).values)) > 1 - 1e-7


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1e6, 1e30])
def test_vectors_out_of_half_precisions_reach_are_stored_whole(scale: float) -> None:
    values = np.random.default_rng(0).standard_normal((4, 64)).astype(np.float32) * np.float32(scale)
    assert np.array_equal(decode_vectors(encode_vectors(Embeddings(values))).values, values)


def test_no_rows_are_stored_too() -> None:
    assert decode_vectors(encode_vectors(Embeddings(np.zeros((0, 8), np.float32)))).values.shape == (0, 8)


def test_nan_is_refused() -> None:
    with pytest.raises(InvalidInput, match="NaN"):
        encode_vectors(Embeddings(np.array([[np.nan]], np.float32)))
