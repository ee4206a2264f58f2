"""Bytes in place of messages, and messages that no client of ours sends, drawn from a seed."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from .hostile_texts import hostile_text
from .hostile_visuals import hostile_visual

_METHODS = ("Encode", "Encode", "Encode", "EncodeStream", "EncodeStream", "GetModel")
# The fields of granularity and dtype, in requests and in a stream's requests.
_ENUM_FIELDS = (2, 3, 4)


@dataclass(frozen=True, slots=True)
class RawCall:
    """Requests of a method as bytes; more than one only in a stream."""

    method: str
    requests: tuple[bytes, ...]


def hostile_call(seed: int, well: bytes) -> RawCall:
    """A call of an encoder; `well` is a request of Encode that it would answer."""
    random = Random(seed)
    method = random.choice(_METHODS)
    count = random.randint(1, 5) if method == "EncodeStream" else 1
    return RawCall(method, tuple(random.choice(_MAKERS)(random, well) for _ in range(count)))


def _junk(random: Random, well: bytes) -> bytes:
    return random.randbytes(random.choice((1, 2, 10, 100, 5_000)))


def _wrong_enum(random: Random, well: bytes) -> bytes:
    return well + _varint(random.choice(_ENUM_FIELDS) << 3) + _varint(random.choice((4, 9, 77, 2**31 - 1, 2**64 - 1)))


def _wrong_wire_type(random: Random, well: bytes) -> bytes:
    return _varint(random.randint(1, 20) << 3 | random.randrange(8)) + random.randbytes(random.randrange(12)) + well


def _lying_length(random: Random, well: bytes) -> bytes:
    return b"\x0a" + _varint(random.choice((len(well) + 1, 2**31, 2**32, 2**63))) + well


def _cut_off(random: Random, well: bytes) -> bytes:
    return well[: random.randrange(len(well))]


def _flipped(random: Random, well: bytes) -> bytes:
    changed = bytearray(well)
    for _ in range(random.randint(1, 8)):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _huge_count(random: Random, well: bytes) -> bytes:
    return b"\x0a\x00" * random.choice((1_024, 1_025, 5_000, 200_000))


def _deep(random: Random, well: bytes) -> bytes:
    """Groups in groups, deeper than any reader goes."""
    return b"\xfb\x01" * random.choice((10, 99, 101, 10_000)) + well


def _long_key_or_unknown(random: Random, well: bytes) -> bytes:
    size = random.choice((0, 1_000, 300_000))
    return well + _varint(random.choice((1, 9, 1_000, 2**29 - 1)) << 3 | 2) + _varint(size) + b"k" * size


def _text_of_bytes(random: Random, well: bytes) -> bytes:
    """A first field that is no UTF-8, or one of another kind than the method's."""
    surrogate = b"\xed" + bytes([random.randint(0xA0, 0xBF), random.randint(0x80, 0xBF)])
    body = random.choice((surrogate, hostile_text(random.randrange(999)).encode()[:-1], random.randbytes(20)))
    return b"\x0a" + _varint(len(body)) + body


def _of_the_other_encoder(random: Random, well: bytes) -> bytes:
    body = hostile_visual(random.randrange(999)).SerializeToString()
    return random.choice((b"\x0a", b"\x12")) + _varint(len(body)) + body


def _nothing(random: Random, well: bytes) -> bytes:
    return b""


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


_MAKERS: tuple[Callable[[Random, bytes], bytes], ...] = (
    _junk,
    _wrong_enum,
    _wrong_wire_type,
    _lying_length,
    _cut_off,
    _flipped,
    _huge_count,
    _deep,
    _long_key_or_unknown,
    _text_of_bytes,
    _of_the_other_encoder,
    _nothing,
)
