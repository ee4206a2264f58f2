"""Pictures and videos that somebody damaged on purpose, drawn from a seed."""

import struct
import zlib
from collections.abc import Callable
from functools import cache
from random import Random

from modalmesh.v1.image_encoder_service_pb2 import VisualInput
from tests.unit.image_encoder.pictures import draw, encode, noise, video

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADS = (
    b"\xff\xd8\xff\xe0",
    _SIGNATURE,
    b"GIF89a",
    b"RIFF\xff\xff\xff\x7fWEBPVP8L",
    b"\0\0\0\x18ftypmp42",
    b"\x1aE\xdf\xa3",
)
_EXTREME = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\xff\xff", b"\0\0", b"\0\0\x40\0")


def hostile_visual(seed: int) -> VisualInput:
    """Mostly a damaged file as what it is; now and then a video called picture, or the other way round."""
    random = Random(seed)
    is_video = random.random() < 0.25
    content = random.choice(_videos() if is_video else _pictures())
    for _ in range(random.randint(1, 3)):
        content = random.choice(_DAMAGES)(random, content)
    if random.random() < 0.05:
        is_video = not is_video
    return VisualInput(video=content) if is_video else VisualInput(image=content)


@cache
def _pictures() -> tuple[bytes, ...]:
    smooth, rough = draw(), noise(60, 40)
    frames = [rough, smooth.rotate(90)]
    return (
        encode(smooth, "JPEG"),
        encode(rough, "JPEG", progressive=True, quality=30),
        encode(smooth.convert("CMYK"), "JPEG"),
        encode(smooth),
        encode(rough.quantize(16)),
        encode(rough.convert("LA")),
        encode(smooth, "WEBP"),
        encode(rough, "WEBP", lossless=True),
        encode(smooth, "WEBP", save_all=True, append_images=frames),
        encode(smooth, "GIF", save_all=True, append_images=frames),
        encode(rough, "GIF", interlace=1),
    )


@cache
def _videos() -> tuple[bytes, ...]:
    return (
        video(12),
        video(12, codec="libx264"),
        video(12, container="matroska"),
        video(12, container="avi"),
        video(12, rate=25, container="mpegts", codec="mpeg2video"),
    )


def _flip(random: Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(random.randint(1, 40)):
        if changed:
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _overwrite_head(random: Random, content: bytes) -> bytes:
    """Extreme numbers near the beginning, where sizes and counts are."""
    place, number = random.randrange(min(len(content), 200) + 1), random.choice(_EXTREME)
    return content[:place] + number + content[place + len(number) :]


def _cut_out(random: Random, content: bytes) -> bytes:
    first, last = sorted(random.choices(range(len(content) + 1), k=2))
    return content[:first] + content[last:]


def _cut_off(random: Random, content: bytes) -> bytes:
    return content[: random.randrange(len(content) + 1)]


def _repeat(random: Random, content: bytes) -> bytes:
    first, last = sorted(random.choices(range(len(content) + 1), k=2))
    return content[:first] + content[first:last] * random.randint(2, 20) + content[last:]


def _insert(random: Random, content: bytes) -> bytes:
    place = random.randrange(len(content) + 1)
    return content[:place] + random.randbytes(random.choice((1, 2, 64, 5_000))) + content[place:]


def _splice(random: Random, content: bytes) -> bytes:
    other = random.choice((*_pictures(), *_videos()))
    return content[: random.randrange(len(content) + 1)] + other[random.randrange(len(other)) :]


def _noise_behind_a_head(random: Random, content: bytes) -> bytes:
    return random.choice(_HEADS) + random.randbytes(random.randrange(2_000))


def _damage_inside_a_png(random: Random, content: bytes) -> bytes:
    """Damage in the chunks of a PNG, whose checksums are right again: it is found only when decoding."""
    if not content.startswith(_SIGNATURE):
        return _flip(random, content)
    out, place = [_SIGNATURE], len(_SIGNATURE)
    while place + 12 <= len(content):
        size = min(int.from_bytes(content[place : place + 4], "big"), len(content) - place - 12)
        kind, body = content[place + 4 : place + 8], content[place + 8 : place + 8 + size]
        body = _flip(random, body) if random.random() < 0.5 else body
        out.append(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))
        place += size + 12
    return b"".join(out)


_DAMAGES: tuple[Callable[[Random, bytes], bytes], ...] = (
    _flip,
    _flip,
    _overwrite_head,
    _cut_out,
    _cut_off,
    _repeat,
    _insert,
    _splice,
    _noise_behind_a_head,
    _damage_inside_a_png,
    _damage_inside_a_png,
)
