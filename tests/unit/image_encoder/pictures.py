"""Pictures and videos drawn by code, among them hostile ones."""

import io
import struct
import zlib
from fractions import Fraction

import av
import numpy as np
from PIL import Image


def draw(width: int = 60, height: int = 40) -> Image.Image:
    """Red on the left, blue on the right, green at the bottom."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 2] = 255
    pixels[height * 3 // 4 :] = (0, 255, 0)
    return Image.fromarray(pixels)


def encode(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def noise(width: int = 300, height: int = 200, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def huge_png(width: int = 13_000, height: int = 13_000) -> bytes:
    """A PNG of 169 megapixels and half a megabyte: all zeros, which compress a thousandfold."""
    line = zlib.compressobj(9)
    data = b"".join(line.compress(bytes(3 * width + 1)) for _ in range(height)) + line.flush()

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def video(
    frames: int = 40,
    rate: int = 10,
    size: tuple[int, int] = (64, 48),
    container: str = "mp4",
    codec: str = "mpeg4",
    keys_every: int = 12,
) -> bytes:
    """A clip whose frames grow brighter, so that a frame's grey tells its number: 5 a frame."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.bit_rate = 4_000_000
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = keys_every
        stream.codec_context.time_base = Fraction(1, rate)
        for number in range(frames):
            grey = np.full((size[1], size[0], 3), number * 5 % 256, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")):
                output.mux(packet)
        for packet in stream.encode(None):
            output.mux(packet)
    return file.getvalue()
