"""Encoder messages <-> dataclasses, for both encoders."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from modalmesh.errors import InvalidInput, TooLarge
from modalmesh.v1 import types_pb2 as messages
from modalmesh_services.common.encoding import Granularity, InputResult, Part

# A number has 4 bytes at most, and what else is in a message is less than thrice as much.
_BYTES_PER_NUMBER = 16


class Response(Protocol):
    @property
    def embeddings(self) -> messages.EmbeddingMatrix: ...

    def ByteSize(self) -> int: ...  # noqa: N802 - protobuf's own name


SomeResponse = TypeVar("SomeResponse", bound=Response)


def fitting(response: SomeResponse, limit: int, field: str) -> SomeResponse:
    """The response, if it fits a message.

    Raises:
        TooLarge: names `field`.
    """
    # The exact size is known only by writing it all, which is spared where there is no doubt.
    if response.embeddings.rows * response.embeddings.dim * _BYTES_PER_NUMBER > limit:
        size = response.ByteSize()
        if size > limit:
            raise TooLarge(field, f"gives an answer of {size} bytes, the limit is {limit}: send fewer at once")
    return response


def granularity_from_proto(value: int) -> Granularity:
    """UNSPECIFIED is POOLED.

    Raises:
        InvalidInput: unknown.
    """
    try:
        return Granularity(value or Granularity.POOLED)
    except ValueError:
        raise InvalidInput("granularity", f"unknown granularity {value}") from None


def results_to_proto(results: Iterable[InputResult]) -> list[messages.InputResult]:
    return [
        messages.InputResult(
            state=messages.InputState.ValueType(result.state),
            reason=result.reason,
            first_row=result.first_row,
            row_count=result.row_count,
            parts=[_part_to_proto(part) for part in result.parts],
        )
        for result in results
    ]


def _part_to_proto(part: Part) -> messages.Part:
    return messages.Part(
        start=part.start,
        end=part.end,
        left=part.left,
        top=part.top,
        right=part.right,
        bottom=part.bottom,
        frame_ms=part.frame_ms,
    )
