"""A matrix from outside is refused by field and reason, whatever is wrong with it."""

import struct
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from modalmesh.embeddings import Dtype, Embeddings, PackedMatrix, pack, unpack
from modalmesh.errors import InvalidInput

ITEMSIZE = {Dtype.F32: 4, Dtype.F16: 2, Dtype.BF16: 2, Dtype.I8: 1}


def packed(dtype: Dtype = Dtype.F32) -> PackedMatrix:
    """3 rows of 4 numbers, the smallest matrix with room for every fault."""
    return pack(Embeddings(np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)), dtype)


def refusal(packed: PackedMatrix) -> tuple[str, str]:
    with pytest.raises(InvalidInput) as caught:
        unpack(packed, field="text")
    return caught.value.field, caught.value.reason


@given(st.integers(0, 5), st.integers(1, 5), st.sampled_from(Dtype), st.binary(max_size=128))
def test_every_size_but_the_right_one_is_refused(rows: int, dim: int, dtype: Dtype, data: bytes) -> None:
    assume(len(data) != rows * dim * ITEMSIZE[dtype])
    assert refusal(PackedMatrix(rows, dim, dtype, data)) == ("text.data", "WRONG_SIZE")


@given(st.integers(0, 5), st.binary(max_size=40))
def test_scales_of_every_size_but_one_a_row_are_refused(rows: int, scales: bytes) -> None:
    assume(len(scales) != rows * 4)
    packed = PackedMatrix(rows, 3, Dtype.I8, bytes(rows * 3), scales)
    assert refusal(packed) == ("text.scales", "WRONG_SIZE")


@pytest.mark.parametrize("dtype", [Dtype.F32, Dtype.F16, Dtype.BF16])
def test_scales_beside_any_other_dtype_are_refused(dtype: Dtype) -> None:
    assert refusal(replace(packed(dtype), scales=b"\0\0\x80?" * 3)) == ("text.scales", "WRONG_SIZE")


@pytest.mark.parametrize("dtype", Dtype)
@pytest.mark.parametrize("change", [-1, 1])
def test_a_byte_too_few_or_too_many_is_refused(dtype: Dtype, change: int) -> None:
    whole = packed(dtype)
    torn = whole.data[:-1] if change < 0 else whole.data + b"\0"
    assert refusal(replace(whole, data=torn)) == ("text.data", "WRONG_SIZE")


@pytest.mark.parametrize(("rows", "dim"), [(4, 4), (3, 3), (2**31, 2**31)])
def test_misdeclared_rows_or_dim_are_refused(rows: int, dim: int) -> None:
    assert refusal(replace(packed(), rows=rows, dim=dim)) == ("text.data", "WRONG_SIZE")


@pytest.mark.parametrize(("rows", "dim"), [(-1, 4), (3, -4), (3, 0)])
def test_impossible_rows_or_dim_are_refused(rows: int, dim: int) -> None:
    assert refusal(replace(packed(), rows=rows, dim=dim)) == ("text.dim", "WRONG_DIM")


@pytest.mark.parametrize("number", [0, 5, 99, -1])
def test_an_unknown_dtype_is_refused(number: int) -> None:
    assert refusal(replace(packed(), dtype=cast(Dtype, number))) == ("text.dtype", "WRONG_DTYPE")


@pytest.mark.parametrize(
    ("dtype", "bits"),
    [
        (Dtype.F32, struct.pack("<f", float("nan"))),
        (Dtype.F32, struct.pack("<f", float("-inf"))),
        (Dtype.F16, struct.pack("<e", float("nan"))),
        (Dtype.F16, struct.pack("<e", float("inf"))),
        (Dtype.BF16, b"\xc0\x7f"),
        (Dtype.BF16, b"\x80\xff"),
    ],
)
@pytest.mark.parametrize("place", [0, 7, 11])
def test_nan_and_infinity_are_refused_wherever_they_are(dtype: Dtype, bits: bytes, place: int) -> None:
    data = bytearray(packed(dtype).data)
    data[place * len(bits) : (place + 1) * len(bits)] = bits
    assert refusal(replace(packed(dtype), data=bytes(data))) == ("text.data", "NOT_FINITE")


@pytest.mark.parametrize(
    ("scale", "reason"),
    [(float("nan"), "NOT_FINITE"), (float("inf"), "NOT_FINITE"), (0.0, "WRONG_SCALE"), (-1.0, "WRONG_SCALE")],
)
def test_a_scale_that_scales_nothing_is_refused(scale: float, reason: str) -> None:
    scales = np.array([1.0, scale, 1.0], "<f4").tobytes()
    assert refusal(replace(packed(Dtype.I8), scales=scales)) == ("text.scales", reason)


def test_a_scale_that_makes_its_row_infinite_is_refused() -> None:
    scales = np.array([1.0, 1.0, np.finfo(np.float32).max], "<f4").tobytes()
    assert refusal(replace(packed(Dtype.I8), scales=scales)) == ("text.data", "NOT_FINITE")


@given(st.binary(max_size=64), st.binary(max_size=16), st.integers(0, 6), st.integers(0, 6), st.integers(0, 6))
def test_any_bytes_are_refused_by_field_or_read_as_declared(
    data: bytes, scales: bytes, rows: int, dim: int, dtype: int
) -> None:
    misdeclared = PackedMatrix(rows, dim, cast(Dtype, Dtype(dtype) if dtype in set(Dtype) else dtype), data, scales)
    read, error = attempt(misdeclared)
    if read is None:
        assert isinstance(error, InvalidInput)
        assert error.field.startswith("matrix.")
    else:
        assert read.values.shape == (rows, dim)
        assert np.isfinite(read.values).all()


def attempt(packed: PackedMatrix) -> tuple[Embeddings | None, InvalidInput | None]:
    try:
        return unpack(packed), None
    except InvalidInput as error:
        return None, error
