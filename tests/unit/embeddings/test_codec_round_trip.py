"""Whatever is packed is read back within its dtype's error, or was refused."""

from typing import cast

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from modalmesh.embeddings import Dtype, Embeddings, FloatMatrix, ModelId, PackedMatrix, pack, unpack
from modalmesh.errors import InvalidInput

MODEL = ModelId("tiny", "f00d")
F32 = np.finfo(np.float32)
# The largest float32 whose rounding to eight significant bits is still a number.
BF16_MAX = float(np.array([0x7F7F7FFF], dtype=np.uint32).view(np.float32)[0])
SHAPES = st.one_of(st.tuples(st.integers(0, 6), st.integers(1, 9)), st.just((0, 0)))


def matrices(largest: float) -> st.SearchStrategy[FloatMatrix]:
    """(rows, dim) float32 up to `largest`; hypothesis likes zeros, subnormals and the largest most."""
    numbers = st.floats(-largest, largest, width=32)
    return hnp.arrays(np.float32, SHAPES, elements=numbers)


def round_trip(values: FloatMatrix, dtype: Dtype) -> FloatMatrix:
    return unpack(pack(Embeddings(values, MODEL), dtype)).values


@given(matrices(float(F32.max)))
def test_f32_comes_back_bit_for_bit(values: FloatMatrix) -> None:
    assert round_trip(values, Dtype.F32).tobytes() == values.tobytes()


@given(matrices(65504.0))
def test_f16_is_within_half_a_unit_of_its_last_place(values: FloatMatrix) -> None:
    # Eleven significant bits; below the normal numbers the steps are 2 ** -24.
    bound = np.maximum(np.abs(values) * 2.0**-11, 2.0**-25)
    assert np.all(np.abs(round_trip(values, Dtype.F16) - values) <= bound)


@given(matrices(BF16_MAX))
def test_bf16_is_within_half_a_unit_of_its_last_place(values: FloatMatrix) -> None:
    exact = values.astype(np.float64)
    # Eight significant bits; below the normal numbers the steps are 2 ** -133.
    bound = np.maximum(np.abs(exact) * 2.0**-8, 2.0**-134)
    assert np.all(np.abs(round_trip(values, Dtype.BF16) - exact) <= bound)


@given(matrices(2.0**100))
def test_i8_is_within_half_a_step_of_its_row_scale(values: FloatMatrix) -> None:
    largest = np.abs(values).max(axis=1, initial=0.0, keepdims=True).astype(np.float64)
    # A row whose step would be no normal number is stored as zeros.
    bound = np.maximum(largest / 127 * 0.501, 127 * F32.tiny)
    assert np.all(np.abs(round_trip(values, Dtype.I8) - values.astype(np.float64)) <= bound)


@given(matrices(float(F32.max)), st.sampled_from(Dtype))
def test_what_is_packed_is_read(values: FloatMatrix, dtype: Dtype) -> None:
    packed = pack_or_none(values, dtype)
    assume(packed is not None)
    read = unpack(cast(PackedMatrix, packed))
    assert read.model == MODEL
    assert read.values.shape == values.shape


def pack_or_none(values: FloatMatrix, dtype: Dtype) -> PackedMatrix | None:
    try:
        return pack(Embeddings(values, MODEL), dtype)
    except InvalidInput:
        return None


@given(matrices(2.0**100), st.sampled_from([Dtype.F32, Dtype.BF16, Dtype.I8]))
def test_packing_what_was_unpacked_changes_nothing(values: FloatMatrix, dtype: Dtype) -> None:
    once = round_trip(values, dtype)
    twice = round_trip(once, dtype)
    step = np.abs(once).max(axis=1, initial=0.0, keepdims=True) * F32.eps * 2
    assert np.all(np.abs(twice - once) <= (step if dtype is Dtype.I8 else 0))


@pytest.mark.parametrize(("dtype", "itemsize"), [(Dtype.F32, 4), (Dtype.F16, 2), (Dtype.BF16, 2), (Dtype.I8, 1)])
def test_size_is_rows_times_dim_times_itemsize(dtype: Dtype, itemsize: int) -> None:
    packed = pack(Embeddings(np.ones((5, 7), np.float32)), dtype)
    assert len(packed.data) == 5 * 7 * itemsize
    assert len(packed.scales) == (5 * 4 if dtype is Dtype.I8 else 0)


@pytest.mark.parametrize("dtype", Dtype)
def test_a_zero_row_comes_back_as_zeros_beside_others(dtype: Dtype) -> None:
    values = np.array([[0, 0, 0], [1, -1, 0.5]], np.float32)
    read = round_trip(values, dtype)
    assert np.array_equal(read[0], values[0])
    assert np.allclose(read[1], values[1], atol=0.01)


@pytest.mark.parametrize(("bits", "rounded"), [("3f808000", "803f"), ("3f818000", "823f"), ("3f808001", "813f")])
def test_bf16_rounds_ties_to_even(bits: str, rounded: str) -> None:
    values = np.frombuffer(bytes.fromhex(bits), ">f4").reshape(1, 1)
    assert pack(Embeddings(values.astype(np.float32)), Dtype.BF16).data.hex() == rounded


@pytest.mark.parametrize(
    ("dtype", "number"), [(Dtype.F16, 65520.0), (Dtype.BF16, float(F32.max)), (Dtype.I8, float(F32.max))]
)
def test_a_number_too_large_for_the_dtype_is_refused(dtype: Dtype, number: float) -> None:
    with pytest.raises(InvalidInput) as caught:
        pack(Embeddings(np.array([[number]], np.float32)), dtype)
    assert (caught.value.field, caught.value.reason) == ("values", "NOT_FINITE")


@pytest.mark.parametrize("dtype", Dtype)
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_is_refused(dtype: Dtype, number: float) -> None:
    with pytest.raises(InvalidInput, match="NaN or infinity"):
        pack(Embeddings(np.array([[1.0, number]], np.float32)), dtype)


def test_a_float64_too_large_for_float32_is_refused() -> None:
    too_wide: FloatMatrix = np.array([[1e300]])
    with pytest.raises(InvalidInput, match="NaN or infinity"):
        pack(Embeddings(too_wide))


@pytest.mark.parametrize("shape", [(3,), (2, 0), (1, 2, 3), ()])
def test_what_is_no_matrix_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput) as caught:
        pack(Embeddings(np.zeros(shape, np.float32)))
    assert (caught.value.field, caught.value.reason) == ("values", "WRONG_DIM")


def test_rows_that_are_not_contiguous_are_packed_in_order() -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert np.array_equal(round_trip(values[:, ::2], Dtype.F32), values[:, ::2])


def test_bytes_are_little_endian_on_every_machine() -> None:
    values = np.array([[1.0]], dtype=">f4")
    packed: dict[Dtype, PackedMatrix] = {dtype: pack(Embeddings(values), dtype) for dtype in Dtype}
    assert packed[Dtype.F32].data.hex() == "0000803f"
    assert packed[Dtype.F16].data.hex() == "003c"
    assert packed[Dtype.BF16].data.hex() == "803f"
