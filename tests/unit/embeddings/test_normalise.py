"""Rows are brought to length 1, however large or small they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from modalmesh.embeddings import FloatMatrix, normalise

F32 = np.finfo(np.float32)
ROWS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(0, 5), st.integers(1, 8)),
    elements=st.floats(float(F32.min), float(F32.max), width=32),
)


@given(ROWS)
def test_rows_have_length_one_or_are_zeros(values: FloatMatrix) -> None:
    lengths = np.linalg.norm(normalise(values), axis=1)
    assert np.allclose(lengths, np.any(values != 0, axis=1), atol=1e-5)


@pytest.mark.parametrize("size", [float(F32.max), 1.0, float(F32.tiny), float(F32.smallest_subnormal)])
def test_direction_is_kept_at_every_size(size: float) -> None:
    values = np.array([[size, -size]], np.float32)
    assert np.allclose(normalise(values), [[0.5**0.5, -(0.5**0.5)]], rtol=1e-6)


def test_the_dtype_stays_float32_and_the_input_as_it_was() -> None:
    values = np.array([[3.0, 4.0]], np.float32)
    assert normalise(values).dtype == np.float32
    assert np.array_equal(values, [[3.0, 4.0]])
