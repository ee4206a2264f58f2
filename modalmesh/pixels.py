"""Pictures that are numpy arrays become PNG files, without an imaging library in the light client."""

import struct
import zlib

import numpy as np
import numpy.typing as npt

from modalmesh.errors import InvalidInput

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPE = {1: 0, 3: 2, 4: 6}
"""PNG's number for grey, RGB and RGBA (PNG specification, 11.2.2), by channels."""


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """A lossless PNG file of `pixels`, (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA, uint8.

    Raises:
        InvalidInput: another shape or dtype; names `pixels`.
    """
    array = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if array.ndim != 3 or array.shape[2] not in _COLOUR_TYPE or array.dtype != np.uint8 or not array.size:
        raise InvalidInput("pixels", f"must be (H, W), (H, W, 3) or (H, W, 4) uint8, got {pixels.shape} {pixels.dtype}")
    height, width, channels = array.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPE[channels], 0, 0, 0)
    # Each row begins with its filter's number: 0, none.
    rows = np.pad(array.reshape(height, width * channels), ((0, 0), (1, 0)))
    body = zlib.compress(rows.tobytes(), level=1)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
