"""TextEncoder's messages <-> dataclasses."""

from dataclasses import dataclass

from modalmesh.convert import model_to_proto
from modalmesh.convert_matrices import dtype_from_proto, matrix_to_proto
from modalmesh.embeddings import Dtype
from modalmesh.types import ModelInfo
from modalmesh.v1 import text_encoder_service_pb2 as messages
from modalmesh_services.common.convert_encoding import granularity_from_proto, results_to_proto
from modalmesh_services.common.encoding import EncodedBatch, Granularity


@dataclass(frozen=True, slots=True)
class EncodeCall:
    texts: tuple[str, ...]
    granularity: Granularity
    dtype: Dtype
    key: str = ""
    """The caller's name for it, in a stream."""


def encode_call(request: messages.TextEncoderEncodeRequest) -> EncodeCall:
    """Raises InvalidInput, naming the field, for an unknown granularity or dtype."""
    return EncodeCall(
        tuple(request.texts),
        granularity_from_proto(request.granularity),
        dtype_from_proto(request.dtype, field="dtype", default=Dtype.F32),
    )


def stream_call(request: messages.TextEncoderEncodeStreamRequest) -> EncodeCall:
    """Raises InvalidInput, naming the field, for an unknown granularity or dtype."""
    return EncodeCall(
        (request.text,),
        granularity_from_proto(request.granularity),
        dtype_from_proto(request.dtype, field="dtype", default=Dtype.F32),
        request.key,
    )


def encode_response(batch: EncodedBatch, dtype: Dtype) -> messages.TextEncoderEncodeResponse:
    return messages.TextEncoderEncodeResponse(
        embeddings=matrix_to_proto(batch.embeddings, dtype), results=results_to_proto(batch.results)
    )


def stream_response(key: str, batch: EncodedBatch, dtype: Dtype) -> messages.TextEncoderEncodeStreamResponse:
    return messages.TextEncoderEncodeStreamResponse(
        key=key, embeddings=matrix_to_proto(batch.embeddings, dtype), result=results_to_proto(batch.results)[0]
    )


def model_response(info: ModelInfo) -> messages.TextEncoderGetModelResponse:
    return messages.TextEncoderGetModelResponse(model=model_to_proto(info))
