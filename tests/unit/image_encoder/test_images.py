import contextlib
import time
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from modalmesh.errors import InvalidInput, TooLarge
from modalmesh_services.image_encoder.images import decode, hide, read_size
from modalmesh_services.image_encoder.preprocess import Preprocess

from .pictures import draw, encode, huge_png, noise

WHOLE = Preprocess(32, 32, None, Image.Resampling.BICUBIC, (0.0,) * 3, (1.0,) * 3)
MIB = 1 << 20


def size_of(content: bytes) -> tuple[int, int]:
    return read_size(content, max_bytes=MIB, max_pixels=1_000_000)


def colour_at(picture: Image.Image, x: float, y: float) -> tuple[int, ...]:
    """The colour at a share of width and height, each channel rounded to 0, 1 or 2 halves."""
    pixel = picture.getpixel((int(x * picture.width), int(y * picture.height)))
    assert isinstance(pixel, tuple)
    return tuple(round(channel / 127.5) for channel in pixel)


RED, BLUE, GREEN, WHITE = (2, 0, 0), (0, 0, 2), (0, 2, 0), (2, 2, 2)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_the_four_formats_are_read(kind: str) -> None:
    content = encode(draw(), kind)
    assert size_of(content) == (60, 40)
    picture = decode(content, WHOLE)
    assert (picture.mode, colour_at(picture, 0.2, 0.2), colour_at(picture, 0.8, 0.2)) == ("RGB", RED, BLUE)


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "PPM", "PCX", "ICO"])
def test_other_formats_are_refused(kind: str) -> None:
    with pytest.raises(InvalidInput, match="is no JPEG, PNG, WebP or GIF"):
        size_of(encode(draw(), kind))


def test_the_first_frame_of_an_animated_gif_is_taken() -> None:
    frames = [draw(), Image.new("RGB", (60, 40), "white"), Image.new("RGB", (60, 40), "black")]
    content = encode(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    assert colour_at(decode(content, WHOLE), 0.2, 0.2) == RED


def test_a_cmyk_jpeg_is_read() -> None:
    picture = decode(encode(draw().convert("CMYK"), "JPEG"), WHOLE)
    assert (picture.mode, colour_at(picture, 0.2, 0.2)) == ("RGB", RED)


def with_palette() -> Image.Image:
    return draw().quantize(4)


def with_palette_and_transparency() -> Image.Image:
    picture = Image.new("P", (60, 40), 1)
    picture.putpalette([0, 0, 0, 255, 0, 0])
    picture.info["transparency"] = 0
    picture.paste(0, (0, 30, 60, 40))
    return picture


def with_alpha() -> Image.Image:
    picture = Image.new("RGBA", (60, 40), (255, 0, 0, 255))
    picture.paste((0, 0, 0, 0), (0, 30, 60, 40))
    return picture


def grey_with_alpha() -> Image.Image:
    return Image.new("LA", (60, 40), (0, 0))


@pytest.mark.parametrize(
    ("make", "middle", "bottom"),
    [
        (with_palette, RED, GREEN),
        (with_palette_and_transparency, RED, WHITE),
        (with_alpha, RED, WHITE),
        (grey_with_alpha, WHITE, WHITE),
    ],
)
def test_palettes_and_alpha_become_colours_on_white(
    make: Callable[[], Image.Image], middle: tuple[int, ...], bottom: tuple[int, ...]
) -> None:
    picture = decode(encode(make()), WHOLE)
    assert (colour_at(picture, 0.2, 0.2), colour_at(picture, 0.2, 0.9)) == (middle, bottom)


def test_sixteen_bits_are_scaled_and_not_cut_off() -> None:
    grey = Image.fromarray(np.tile(np.array([0, 32768, 65535], np.uint16), (10, 10)))
    picture = decode(encode(grey), WHOLE)
    assert [picture.getpixel((x, 5)) for x in range(3)] == [(0, 0, 0), (127, 127, 127), (255, 255, 255)]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # orientation to the transposition that a camera did
    stored = draw()
    if orientation in undo:
        stored = stored.transpose(Image.Transpose(undo[orientation]))
    picture = decode(encode(stored, "JPEG", quality=95, exif=exif), WHOLE)
    assert picture.size == (60, 40)
    assert (colour_at(picture, 0.2, 0.2), colour_at(picture, 0.2, 0.9)) == (RED, GREEN)


def test_a_large_jpeg_is_decoded_smaller_but_large_enough() -> None:
    picture = decode(encode(noise(1600, 1200), "JPEG"), WHOLE)
    assert 64 <= min(picture.size) < 600


def test_a_jpeg_decoded_smaller_gives_nearly_the_same_pixels() -> None:
    smooth = draw(1600, 1200)
    small, _ = WHOLE(decode(encode(smooth, "JPEG", quality=95), WHOLE))
    full, _ = WHOLE(decode(encode(smooth, "PNG"), WHOLE))
    assert np.abs(small.astype(int) - full.astype(int)).mean() < 3


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(InvalidInput, match="is empty"):
        size_of(b"")


def test_a_text_file_called_jpg_is_refused() -> None:
    with pytest.raises(InvalidInput, match="is no JPEG, PNG, WebP or GIF"):
        size_of(b"This is a text, whatever its name says.\n" * 20)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_truncated_file_is_refused(kind: str) -> None:
    content = encode(noise(), kind)
    with pytest.raises(InvalidInput, match=r"is a broken picture|is no JPEG"):
        decode(content[: len(content) // 2], WHOLE)


def test_a_file_above_the_cap_is_refused() -> None:
    with pytest.raises(TooLarge, match="has 1048577 bytes, the limit is 1048576"):
        size_of(bytes(MIB + 1))


def test_a_png_of_169_megapixels_is_refused_undecoded_and_without_a_warning() -> None:
    content = huge_png()
    assert len(content) < 600_000
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        started = time.perf_counter()
        with pytest.raises(TooLarge, match="13000 x 13000 pixels, the limit is 50000000"):
            read_size(content, MIB, 50_000_000)
    # Decoding it takes seconds.
    assert time.perf_counter() - started < 0.5


@given(st.binary(max_size=200), st.sampled_from(["JPEG", "PNG", "WEBP", "GIF"]), st.integers(0, 400))
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # as in the server, which pytest's own filters undo
def test_whatever_the_bytes_the_answer_is_a_picture_or_a_refusal(junk: bytes, kind: str, place: int) -> None:
    content = bytearray(encode(draw(), kind))
    content[place : place + len(junk)] = junk
    with contextlib.suppress(InvalidInput):
        read_size(bytes(content), MIB, 1_000_000)
        assert decode(bytes(content), WHOLE).mode == "RGB"


def test_hidden_boxes_get_the_mean_colour_and_the_rest_stays() -> None:
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[:, 4:] = 200
    hidden = np.asarray(hide(Image.fromarray(pixels), [(0.0, 0.5, 0.5, 1.0), (0.5, 0.0, 0.75, 0.25)]))
    assert np.unique(hidden[2:, :4]).tolist() == [100]
    assert np.unique(hidden[:1, 4:6]).tolist() == [100]
    assert np.unique(hidden[:2, :4]).tolist() == [0]
    assert np.unique(hidden[1:, 4:]).tolist() == [200]


@pytest.mark.parametrize(
    "box", [(0.5, 0.0, 0.5, 1.0), (-0.1, 0.0, 0.5, 1.0), (0.0, 0.0, 1.0, 1.1), (0.0, float("nan"), 1.0, 1.0)]
)
def test_a_box_outside_the_picture_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(InvalidInput, match="hidden box"):
        hide(draw(), [box])
