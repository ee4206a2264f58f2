"""What both encoders speak of: granularity, encoded inputs, and a batch's answer. Knows no grpc and no protobuf."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

import numpy as np

from modalmesh.embeddings import Embeddings, FloatMatrix, ModelId
from modalmesh.errors import InternalError, InvalidInput, ModalmeshError, TooLarge


class Granularity(IntEnum):
    """Values equal those of modalmesh.v1.Granularity."""

    POOLED = 1
    PARTS = 2


class InputState(IntEnum):
    """Values equal those of modalmesh.v1.InputState."""

    OK = 1
    TRUNCATED = 2
    INVALID = 3


@dataclass(frozen=True, slots=True)
class Part:
    """Where a row lies in its input: characters of a text, a box of a picture in shares, a video frame's time."""

    start: int = 0
    end: int = 0
    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    frame_ms: int = 0


@dataclass(frozen=True, slots=True)
class Encoded:
    """One input's vectors (rows, D) float32, with a part a row where rows have places.

    `truncated` says why when only the beginning of the input fitted the model.
    """

    values: FloatMatrix
    parts: tuple[Part, ...] = ()
    truncated: str = ""


Outcome: TypeAlias = Encoded | ModalmeshError
"""What became of one input."""


@dataclass(frozen=True, slots=True)
class InputResult:
    """Where an input's rows are in its batch's matrix, or why it has none."""

    state: InputState
    reason: str = ""
    first_row: int = 0
    row_count: int = 0
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class EncodedBatch:
    embeddings: Embeddings
    results: tuple[InputResult, ...]


def check_batch(count: int, limit: int, field: str) -> None:
    """Refuse an empty batch and one above the limit.

    Raises:
        InvalidInput, TooLarge: names `field`.
    """
    if count == 0:
        raise InvalidInput(field, "is empty", reason="EMPTY_BATCH")
    if count > limit:
        raise TooLarge(field, f"has {count} inputs, the limit is {limit}")


def finite(encoded: Encoded) -> Outcome:
    """The encoded input, or InvalidInput in its place where a number is NaN or infinite."""
    if np.isfinite(encoded.values).all():
        return encoded
    return InvalidInput("", "the model gave no finite vector", reason="NOT_FINITE")


def assemble(outcomes: Sequence[Outcome], model: ModelId, dim: int, field: str) -> EncodedBatch:
    """Stack the vectors of a batch, and say of each input what became of it.

    Raises:
        InternalError: the model failed on every input, so the fault isn't in one of them.
    """
    if all(isinstance(outcome, InternalError) for outcome in outcomes):
        raise InternalError("the model failed on every input of the batch")
    results, row = [], 0
    for index, outcome in enumerate(outcomes):
        result = _result(outcome, row, f"{field}[{index}]")
        results.append(result)
        row += result.row_count
    rows = [outcome.values for outcome in outcomes if isinstance(outcome, Encoded)]
    values = np.concatenate(rows) if rows else np.empty((0, dim), np.float32)
    return EncodedBatch(Embeddings(values, model), tuple(results))


def _result(outcome: Outcome, row: int, field: str) -> InputResult:
    match outcome:
        case Encoded(values, parts, truncated):
            state = InputState.TRUNCATED if truncated else InputState.OK
            reason = f"{field}: {truncated}" if truncated else ""
            return InputResult(state, reason, row, len(values), parts)
        case InvalidInput():
            return InputResult(InputState.INVALID, f"{field}: {outcome.detail}")
        case _:
            return InputResult(InputState.INVALID, f"{field}: {outcome.message}")
