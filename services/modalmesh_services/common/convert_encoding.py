"""Encoder messages <-> dataclasses, for both encoders."""

from collections.abc import Iterable

from modalmesh.errors import InvalidInput
from modalmesh.v1 import types_pb2 as messages
from modalmesh_services.common.encoding import Granularity, InputResult, Part


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
