"""The messages that every service shares <-> dataclasses: matrices and input results."""

from modalmesh.embeddings import Dtype, Embeddings, ModelId, PackedMatrix, pack, unpack
from modalmesh.errors import InvalidInput, ModelMismatch
from modalmesh.v1.types_pb2 import DataType, EmbeddingMatrix


def matrix_to_proto(embeddings: Embeddings, dtype: Dtype = Dtype.F32) -> EmbeddingMatrix:
    packed = pack(embeddings, dtype)
    return EmbeddingMatrix(
        rows=packed.rows,
        dim=packed.dim,
        dtype=DataType.ValueType(packed.dtype),
        data=packed.data,
        scales=packed.scales,
        model_name=packed.model.name,
        model_fingerprint=packed.model.fingerprint,
    )


def matrix_from_proto(
    message: EmbeddingMatrix, *, field: str, dim: int | None = None, fingerprint: str | None = None
) -> Embeddings:
    """Check and read a matrix at the door. A matrix without rows may leave all else unset.

    Raises:
        InvalidInput: the matrix is torn, misdeclared, holds NaN, or isn't `dim` wide; names `field`.
        ModelMismatch: its fingerprint isn't `fingerprint`.
    """
    if message.rows == 0 and message.dtype == DataType.DATA_TYPE_UNSPECIFIED and not message.data:
        empty = PackedMatrix(0, dim or message.dim, Dtype.F32, b"")
        return unpack(empty, field=field)
    packed = PackedMatrix(
        message.rows,
        message.dim,
        dtype_from_proto(message.dtype, field=f"{field}.dtype"),
        message.data,
        message.scales,
        ModelId(message.model_name, message.model_fingerprint),
    )
    if dim is not None and message.dim != dim:
        raise InvalidInput(f"{field}.dim", f"is {message.dim} instead of {dim}", reason="WRONG_DIM")
    if fingerprint is not None and message.model_fingerprint != fingerprint:
        raise ModelMismatch(
            f"{field}.model_fingerprint: vectors of {message.model_fingerprint!r} where {fingerprint!r} is served"
        )
    return unpack(packed, field=field)


def dtype_from_proto(value: int, *, field: str, default: Dtype | None = None) -> Dtype:
    """The dtype of a message; `default` stands for UNSPECIFIED.

    Raises:
        InvalidInput: unknown, or unspecified without a default.
    """
    if value == DataType.DATA_TYPE_UNSPECIFIED and default is not None:
        return default
    try:
        return Dtype(value)
    except ValueError:
        raise InvalidInput(field, f"unknown dtype {value}", reason="WRONG_DTYPE") from None
