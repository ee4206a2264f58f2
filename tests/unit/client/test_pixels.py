"""numpy pictures as PNG files, read back by Pillow."""

import io

import hypothesis.extra.numpy as arrays
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from modalmesh.errors import InvalidInput
from modalmesh.pixels import png

sides = st.integers(1, 9)
shapes = st.one_of(st.tuples(sides, sides), st.tuples(sides, sides, st.sampled_from([3, 4])))


@given(arrays.arrays(np.uint8, shapes))
def test_a_picture_comes_back_as_it_was(pixels: npt.NDArray[np.uint8]) -> None:
    with Image.open(io.BytesIO(png(pixels))) as image:
        np.testing.assert_array_equal(np.asarray(image), pixels)


def test_a_view_of_a_larger_array_is_fine() -> None:
    whole = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    with Image.open(io.BytesIO(png(whole[::2, ::-1]))) as image:
        np.testing.assert_array_equal(np.asarray(image), whole[::2, ::-1])


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 3))],
    ids=["two channels", "one axis", "no rows", "floats"],
)
def test_what_is_no_picture_is_refused_with_its_shape(pixels: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(InvalidInput, match="uint8") as refused:
        png(pixels)
    assert refused.value.field == "pixels"
