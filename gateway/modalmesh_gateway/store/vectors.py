"""How vectors are stored: bytes that describe themselves, so that a torn or foreign value is never taken for another.

A header of 22 bytes (magic, CRC-32 of all that follows, dtype, lengths of the model's name and fingerprint, rows, dim),
then name, fingerprint and numbers. Numbers are F16 where that keeps their direction, F32 otherwise.
"""

import struct
import zlib

import numpy as np

from modalmesh.embeddings import Dtype, Embeddings, FloatMatrix, ModelId, PackedMatrix, pack, unpack
from modalmesh.errors import InvalidInput

_START = struct.Struct("<4sI")
_SHAPE = struct.Struct("<BxHHII")
_MAGIC = b"mmv1"

# A row whose largest number lies between these loses less than 3e-7 of its cosine in F16, up to dim 4096: numbers are
# rounded to 11 bits, and those below 6e-5, which lose more, are then too small to count. Measured on MiniLM's text
# embeddings: F16 3e-8, BF16, which is as large, 2e-6.
_F16_SMALLEST_PEAK = 2.0**-8
_F16_LARGEST_PEAK = 65000.0


class CorruptValueError(ValueError):
    """The bytes are not what `encode_vectors` made."""


def encode_vectors(embeddings: Embeddings) -> bytes:
    """Store a matrix (rows, dim) and its model.

    Raises:
        InvalidInput: a number is NaN or infinite.
    """
    packed = pack(embeddings, _dtype_for(embeddings.values))
    name, fingerprint = embeddings.model.name.encode(), embeddings.model.fingerprint.encode()
    shape = _SHAPE.pack(packed.dtype, len(name), len(fingerprint), packed.rows, packed.dim)
    body = b"".join((shape, name, fingerprint, packed.data))
    return _START.pack(_MAGIC, zlib.crc32(body)) + body


def decode_vectors(value: bytes) -> Embeddings:
    """Read what `encode_vectors` made.

    Raises:
        CorruptValueError: it isn't that, or not all of it.
    """
    try:
        magic, checksum = _START.unpack_from(value)
        body = memoryview(value)[_START.size :]
        if magic != _MAGIC or zlib.crc32(body) != checksum:
            raise CorruptValueError("the value is torn or not ours")
        dtype, name_length, fingerprint_length, rows, dim = _SHAPE.unpack_from(body)
        name_end = _SHAPE.size + name_length
        data_start = name_end + fingerprint_length
        model = ModelId(str(body[_SHAPE.size : name_end], "utf-8"), str(body[name_end:data_start], "utf-8"))
        return unpack(PackedMatrix(rows, dim, Dtype(dtype), bytes(body[data_start:]), model=model))
    except (struct.error, ValueError, InvalidInput) as error:
        raise CorruptValueError(str(error)) from error


def _dtype_for(values: FloatMatrix) -> Dtype:
    peaks = np.abs(values).max(axis=1, initial=0.0)
    fits = (peaks == 0) | ((peaks >= _F16_SMALLEST_PEAK) & (peaks <= _F16_LARGEST_PEAK))
    return Dtype.F16 if fits.all() else Dtype.F32
