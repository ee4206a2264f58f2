"""Embedding matrices: how vectors travel and how they are stored. Knows no grpc and no protobuf."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from modalmesh.errors import InvalidInput

FloatMatrix: TypeAlias = npt.NDArray[np.float32]
"""(rows, dim) float32."""

_F32 = np.dtype("<f4")
_F16 = np.dtype("<f2")
_BF16 = np.dtype("<u2")
_I8 = np.dtype("i1")
_I8_MAX = 127.0


class Dtype(IntEnum):
    """How numbers are stored; values equal those of modalmesh.v1.DataType."""

    F32 = 1
    F16 = 2
    BF16 = 3
    I8 = 4

    @property
    def number_bytes(self) -> int:
        """What one number takes, an I8's share of its row's scale left out."""
        return _STORAGE[self].itemsize


_STORAGE: dict[Dtype, np.dtype[Any]] = {Dtype.F32: _F32, Dtype.F16: _F16, Dtype.BF16: _BF16, Dtype.I8: _I8}


@dataclass(frozen=True, slots=True)
class ModelId:
    """Whose vectors these are. Two fingerprints are two vector spaces."""

    name: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class PackedMatrix:
    """A matrix as it travels: `data` is row-major little-endian, `scales` one float32 a row for I8."""

    rows: int
    dim: int
    dtype: Dtype
    data: bytes
    scales: bytes = b""
    model: ModelId = ModelId()


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Vectors of one model. `values` is (rows, dim) float32, finite."""

    values: FloatMatrix
    model: ModelId = ModelId()

    @property
    def rows(self) -> int:
        return int(self.values.shape[0])

    @property
    def dim(self) -> int:
        return int(self.values.shape[1])


def pack(embeddings: Embeddings, dtype: Dtype = Dtype.F32) -> PackedMatrix:
    """Store a matrix in `dtype`.

    Raises:
        InvalidInput: not (rows, dim), or a number is NaN or infinite, or becomes infinite in `dtype`.
    """
    if np.ndim(embeddings.values) != 2 or (embeddings.rows and not embeddings.dim):
        raise InvalidInput("values", f"has the shape {np.shape(embeddings.values)}", reason="WRONG_DIM")
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(embeddings.values, dtype=_F32)
    _require_finite(values, "values")
    scales = b""
    match dtype:
        case Dtype.F32:
            stored = values.tobytes()
        case Dtype.F16:
            with np.errstate(over="ignore"):
                halves = values.astype(_F16)
            _require_finite(halves, "values")
            stored = halves.tobytes()
        case Dtype.BF16:
            stored = _to_bf16(values).tobytes()
        case Dtype.I8:
            stored, scales = _to_i8(values)
    return PackedMatrix(embeddings.rows, embeddings.dim, dtype, stored, scales, embeddings.model)


def unpack(packed: PackedMatrix, *, field: str = "matrix") -> Embeddings:
    """Check a matrix that came from outside, and read it.

    Raises:
        InvalidInput: sizes don't agree, dtype is unknown, or a number is NaN or infinite; names `field`.
    """
    if packed.dtype not in _STORAGE:
        raise InvalidInput(f"{field}.dtype", f"unknown dtype {int(packed.dtype)}", reason="WRONG_DTYPE")
    if packed.rows < 0 or packed.dim < 0 or (packed.rows and not packed.dim):
        raise InvalidInput(f"{field}.dim", f"{packed.rows} rows of dim {packed.dim}", reason="WRONG_DIM")
    storage = _STORAGE[packed.dtype]
    _require_size(f"{field}.data", packed.data, packed.rows * packed.dim * storage.itemsize)
    _require_size(f"{field}.scales", packed.scales, packed.rows * 4 if packed.dtype is Dtype.I8 else 0)
    raw = np.frombuffer(packed.data, dtype=storage).reshape(packed.rows, packed.dim)
    match packed.dtype:
        case Dtype.BF16:
            values = (raw.astype("<u4") << 16).view(_F32)
        case Dtype.I8:
            values = _from_i8(raw, _read_scales(packed.scales, f"{field}.scales"))
        case _:
            values = raw.astype(_F32, copy=False)
    _require_finite(values, f"{field}.data")
    return Embeddings(values, packed.model)


def normalise(values: FloatMatrix) -> FloatMatrix:
    """Rows (N, D) scaled to length 1; a row of zeros stays one."""
    # Squares of float32 neither overflow nor vanish in float64, and einsum sums them without a copy.
    norms = np.sqrt(np.einsum("...d,...d->...", values, values, dtype=np.float64))[..., None]
    unit: FloatMatrix = np.divide(values, norms, out=np.zeros_like(values), where=norms > 0)
    return unit


def _to_bf16(values: FloatMatrix) -> npt.NDArray[np.uint16]:
    """Round float32 to its upper half, ties to even."""
    bits = values.view("<u4")
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    halves: npt.NDArray[np.uint16] = rounded.astype(_BF16)
    if np.any((halves & 0x7F80) == 0x7F80):
        raise InvalidInput("values", "a number is too large for BF16", reason="NOT_FINITE")
    return halves


def _to_i8(values: FloatMatrix) -> tuple[bytes, bytes]:
    """Quantise each row by its own scale; a row of zeros has scale 1."""
    largest = np.abs(values).max(axis=1, initial=0.0)
    scales = (largest / _I8_MAX).astype(_F32)
    # A row so small that its scale is no normal number is a row of zeros.
    scales = np.where(scales < np.finfo(_F32).tiny, np.float32(1), scales).astype(_F32)
    quantised = np.clip(np.rint(values / scales[:, None]), -_I8_MAX, _I8_MAX).astype(_I8)
    _require_finite(_from_i8(quantised, scales), "values")
    return quantised.tobytes(), scales.tobytes()


def _from_i8(quantised: npt.NDArray[np.int8], scales: npt.NDArray[np.float32]) -> FloatMatrix:
    """Infinite where a scale is too large for its byte; the caller refuses that."""
    with np.errstate(over="ignore"):
        values: FloatMatrix = quantised.astype(_F32) * scales[:, None]
    return values


def _read_scales(raw: bytes, field: str) -> npt.NDArray[np.float32]:
    scales = np.frombuffer(raw, dtype=_F32)
    _require_finite(scales, field)
    if np.any(scales <= 0):
        raise InvalidInput(field, "a scale is not positive", reason="WRONG_SCALE")
    return scales


def _require_size(field: str, data: bytes, expected: int) -> None:
    if len(data) != expected:
        raise InvalidInput(field, f"has {len(data)} bytes instead of {expected}", reason="WRONG_SIZE")


def _require_finite(values: npt.NDArray[np.floating], field: str) -> None:
    # Their squares' sum is finite if they are and aren't huge, and takes one pass without an array of flags.
    flat = values.ravel()
    if not np.isfinite(np.vdot(flat, flat)) and not np.isfinite(values).all():
        raise InvalidInput(field, "holds NaN or infinity", reason="NOT_FINITE")
