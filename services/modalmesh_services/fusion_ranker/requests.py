"""What the fusion-ranker is asked, as arrays. Knows no grpc and no protobuf."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from modalmesh.embeddings import Embeddings, FloatMatrix
from modalmesh.types import Modality, PictureKind

Integers: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]

NO_ROW = -1
"""Stands in `rows` for an item without a fused vector."""


def vectors_at(vectors: FloatMatrix, rows: Integers, dim: int) -> FloatMatrix:
    """(C, dim): the vectors at `rows` (C,); zeros for an item without one, even where there are no vectors at all."""
    known = rows != NO_ROW
    if len(rows) and known.all():
        return vectors[rows]
    chosen: FloatMatrix = np.zeros((len(rows), dim), dtype=np.float32)
    if known.any():
        chosen[known] = vectors[rows[known]]
    return chosen


@dataclass(frozen=True, slots=True)
class TextToken:
    """One text field: `row` is of the text matrix."""

    field: str
    row: int


@dataclass(frozen=True, slots=True)
class ImageToken:
    """One picture or frame: `row` is of the image matrix."""

    kind: PictureKind
    row: int


@dataclass(frozen=True, slots=True)
class ItemTokens:
    """Which rows belong to an item. What counts as there is what has rows; `missing` says what the caller knows."""

    item_id: str
    texts: Sequence[TextToken] = ()
    images: Sequence[ImageToken] = ()
    attributes: Mapping[str, Sequence[str]] | None = None
    time_ms: int | None = None
    missing: Sequence[Modality] = ()


@dataclass(frozen=True, slots=True)
class FuseRequest:
    """`variations`: an item may come several times, as it would be with other vectors."""

    text: Embeddings
    image: Embeddings
    items: Sequence[ItemTokens]
    variations: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """A user's E events. `rows`, `times_ms` (E,) int64; `values` (E,) float64, NaN where unset.

    `positive` (E,) bool: whether the event speaks for its item.
    """

    item_ids: Sequence[str]
    rows: Integers
    times_ms: Integers
    types: Sequence[str]
    values: Floats
    positive: Flags


@dataclass(frozen=True, slots=True)
class Candidates:
    """C items to rank. `rows`, `event_counts` (C,) int64; `times_ms` (C,) float64, NaN where unset.

    `variations` (C,) bool, None where there are none: which are another candidate as it would be with another vector.
    They have its id, and what a model finds out about the candidates as a whole must not depend on them.
    """

    item_ids: Sequence[str]
    rows: Integers
    times_ms: Floats
    event_counts: Integers
    variations: Flags | None = None

    @property
    def counted(self) -> Flags:
        """(C,) bool: which are no variations."""
        return np.ones(len(self.item_ids), np.bool_) if self.variations is None else ~self.variations


@dataclass(frozen=True, slots=True)
class UserRequest:
    """A history whose rows are those of `vectors`, fused vectors of the model's revision."""

    vectors: Embeddings
    history: History
    time_ms: int


@dataclass(frozen=True, slots=True)
class RankRequest:
    """A history and candidates; both have their rows in `vectors`."""

    vectors: Embeddings
    history: History
    candidates: Candidates
    time_ms: int


@dataclass(frozen=True, slots=True)
class ProposeRequest:
    """Needs no vectors: rows of the history point nowhere."""

    history: History
    limit: int
    time_ms: int


@dataclass(frozen=True, slots=True)
class ExplainRequest:
    """`explain` are places in the ranking's candidates."""

    ranking: RankRequest
    explain: Sequence[int]
