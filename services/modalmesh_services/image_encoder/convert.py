"""ImageEncoder's messages <-> dataclasses."""

from dataclasses import dataclass

from modalmesh.convert import model_to_proto
from modalmesh.convert_matrices import dtype_from_proto, matrix_to_proto
from modalmesh.embeddings import Dtype
from modalmesh.errors import InvalidInput, TooLarge
from modalmesh.types import ModelInfo
from modalmesh.v1 import image_encoder_service_pb2 as messages
from modalmesh_services.common.convert_encoding import granularity_from_proto, results_to_proto
from modalmesh_services.common.encoding import EncodedBatch, Granularity
from modalmesh_services.image_encoder.core import VisualInput

_MOST_HIDDEN = 64


@dataclass(frozen=True, slots=True)
class EncodeCall:
    inputs: tuple[VisualInput, ...]
    dtype: Dtype
    key: str = ""
    """The caller's name for it, in a stream."""


def encode_call(request: messages.ImageEncoderEncodeRequest) -> EncodeCall:
    """Raises InvalidInput, naming the field, for an unknown granularity or dtype, or boxes that can't be hidden."""
    granularity = granularity_from_proto(request.granularity)
    inputs = tuple(_input(one, granularity, place) for place, one in enumerate(request.inputs))
    return EncodeCall(inputs, dtype_from_proto(request.dtype, field="dtype", default=Dtype.F32))


def stream_call(request: messages.ImageEncoderEncodeStreamRequest) -> EncodeCall:
    """Raises InvalidInput, naming the field, for an unknown granularity or dtype."""
    one = _input(request.input, granularity_from_proto(request.granularity), 0)
    return EncodeCall((one,), dtype_from_proto(request.dtype, field="dtype", default=Dtype.F32), request.key)


def _input(message: messages.VisualInput, granularity: Granularity, place: int) -> VisualInput:
    if len(message.hidden) > _MOST_HIDDEN:
        raise TooLarge(f"inputs[{place}].hidden", f"has {len(message.hidden)} boxes, the limit is {_MOST_HIDDEN}")
    if message.WhichOneof("content") == "video":
        if message.hidden:
            raise InvalidInput(f"inputs[{place}].hidden", "is of a video: only pictures are painted over")
        return VisualInput(message.video, True, granularity)
    hidden = tuple((part.left, part.top, part.right, part.bottom) for part in message.hidden)
    return VisualInput(message.image, False, granularity, hidden)


def encode_response(batch: EncodedBatch, dtype: Dtype) -> messages.ImageEncoderEncodeResponse:
    return messages.ImageEncoderEncodeResponse(
        embeddings=matrix_to_proto(batch.embeddings, dtype), results=results_to_proto(batch.results)
    )


def stream_response(key: str, batch: EncodedBatch, dtype: Dtype) -> messages.ImageEncoderEncodeStreamResponse:
    return messages.ImageEncoderEncodeStreamResponse(
        key=key, embeddings=matrix_to_proto(batch.embeddings, dtype), result=results_to_proto(batch.results)[0]
    )


def model_response(info: ModelInfo) -> messages.ImageEncoderGetModelResponse:
    return messages.ImageEncoderGetModelResponse(model=model_to_proto(info))
