"""Bad pictures and videos among good ones, by 64 callers at once, to a real process."""

import struct
import zlib
from collections.abc import Callable
from functools import partial
from itertools import cycle, islice

import numpy as np
import pytest
from PIL import Image

from modalmesh.v1.image_encoder_service_pb2 import VisualInput
from modalmesh.v1.types_pb2 import INPUT_STATE_INVALID as INVALID
from modalmesh.v1.types_pb2 import INPUT_STATE_OK as OK
from tests.unit.image_encoder.pictures import draw, encode, huge_png, noise, video

from .asking import CALLERS, at_once, encode_visuals, least_cosine, one_by_one, vectors
from .processes import EncoderProcess


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def sixteen_bits() -> Image.Image:
    return Image.fromarray(np.tile(np.array([0, 32768, 65535], np.uint16), (10, 10)))


def palette_with_transparency() -> Image.Image:
    picture = draw().quantize(4)
    picture.info["transparency"] = 0
    return picture


def animated(kind: str) -> bytes:
    return encode(draw(), kind, save_all=True, append_images=[noise(60, 40), Image.new("RGB", (60, 40))], duration=50)


def png_of(bits: int, colour: int, raw: bytes, width: int = 2, height: int = 2) -> bytes:
    """A PNG as its header says it, which Pillow itself would not write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def with_exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(draw(), "JPEG", exif=exif)


CASES: dict[str, tuple[Callable[[], bytes], int]] = {
    "1 x 1": (lambda: encode(Image.new("RGB", (1, 1), "red")), OK),
    "1 x 10,000": (lambda: encode(noise(1, 10_000)), OK),
    "10,000 x 1": (lambda: encode(noise(10_000, 1), "JPEG"), OK),
    "16 bits of grey": (lambda: encode(sixteen_bits()), OK),
    "16 bits a channel": (partial(png_of, 16, 2, (b"\0" + bytes(range(12))) * 2), OK),
    "one bit": (lambda: encode(draw().convert("1")), OK),
    "palette": (lambda: encode(draw().quantize(4)), OK),
    "palette with transparency": (lambda: encode(palette_with_transparency()), OK),
    "grey": (lambda: encode(draw().convert("L"), "JPEG"), OK),
    "grey with alpha": (lambda: encode(draw().convert("LA")), OK),
    "CMYK": (lambda: encode(draw().convert("CMYK"), "JPEG"), OK),
    "animated GIF": (lambda: animated("GIF"), OK),
    "animated WebP": (lambda: animated("WEBP"), OK),
    "an orientation that isn't": (lambda: with_exif(99), OK),
    "half a JPEG": (lambda: half(encode(noise(), "JPEG")), INVALID),
    "half a PNG": (lambda: half(encode(noise())), INVALID),
    "half a WebP": (lambda: half(encode(noise(), "WEBP")), INVALID),
    "half a GIF": (lambda: half(encode(noise(), "GIF")), INVALID),
    "169 megapixels": (huge_png, INVALID),
    "no pixels": (partial(png_of, 8, 2, b"", width=0, height=0), INVALID),
    "4 billion by 4 billion": (partial(png_of, 8, 2, b"", width=2**31 - 1, height=2**31 - 1), INVALID),
    "fewer pixels than it says: the rest is black": (partial(png_of, 8, 2, b"\0" * 7, height=1000), OK),
    "a text called .jpg": (lambda: b"This is a text, whatever its name says.\n" * 20, INVALID),
    "TIFF called .jpg": (lambda: encode(draw(), "TIFF"), INVALID),
    "SVG": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', INVALID),
    "a video called .jpg": (video, INVALID),
    "zero-length": (lambda: b"", INVALID),
    "21 MB": (lambda: bytes(21 * 1024 * 1024), INVALID),
}
VIDEOS: dict[str, tuple[Callable[[], bytes], int]] = {
    "half a video": (lambda: half(video()), INVALID),
    "a video without its end": (lambda: half(video(container="matroska")), OK),
    "a JPEG called .mp4": (lambda: encode(draw(), "JPEG"), INVALID),
    "zero-length video": (lambda: b"", INVALID),
    "a video of one frame": (lambda: video(1), OK),
}


@pytest.fixture(scope="module")
def cases() -> dict[str, tuple[VisualInput, int]]:
    """What is sent and the state that it deserves, by name."""
    pictures = {name: (VisualInput(image=make()), state) for name, (make, state) in CASES.items()}
    clips = {name: (VisualInput(video=make()), state) for name, (make, state) in VIDEOS.items()}
    return {**pictures, **clips, "neither picture nor video": (VisualInput(), INVALID)}


def good(caller: int) -> list[VisualInput]:
    """A picture and a clip or two pictures, which no other caller sends."""
    size = 40 + caller * 7
    second = VisualInput(video=video(caller + 2)) if caller % 8 == 0 else VisualInput(image=encode(noise(size, 90)))
    return [VisualInput(image=encode(draw(size, 60), "JPEG")), second]


async def test_each_input_gets_the_state_that_it_deserves(
    image_encoder: EncoderProcess, cases: dict[str, tuple[VisualInput, int]]
) -> None:
    responses = {name: await encode_visuals(image_encoder.channel, [sent]) for name, (sent, _) in cases.items()}
    results = {name: response.results[0] for name, response in responses.items()}
    assert {name: result.state for name, result in results.items()} == {
        name: state for name, (_, state) in cases.items()
    }
    refused = [result for result in results.values() if result.state == INVALID]
    assert all(result.reason.startswith("inputs[0]: ") and not result.row_count for result in refused)


async def test_bad_pictures_leave_their_neighbours_unharmed(
    image_encoder: EncoderProcess, cases: dict[str, tuple[VisualInput, int]]
) -> None:
    channel, goods = image_encoder.channel, [good(caller) for caller in range(CALLERS)]
    bad = list(islice(cycle(cases.values()), CALLERS))
    alone = await one_by_one(encode_visuals(channel, [one]) for pair in goods for one in pair)
    calls = [[first, sent, second] for (first, second), (sent, _) in zip(goods, bad, strict=True)]
    together = await at_once(encode_visuals(channel, call) for call in calls)
    states = [[result.state for result in response.results] for response in together]
    assert states == [[OK, state, OK] for _, state in bad]
    lone = [vectors(response, 0) for response in alone]
    assert least_cosine([vectors(response, 0, 2) for response in together], lone) >= 0.9999


async def test_an_animation_is_its_first_frame(image_encoder: EncoderProcess) -> None:
    inputs = [VisualInput(image=animated("GIF")), VisualInput(image=encode(draw(), "GIF"))]
    response = await encode_visuals(image_encoder.channel, inputs)
    assert least_cosine([vectors(response, 0)], [vectors(response, 1)]) >= 0.9999
