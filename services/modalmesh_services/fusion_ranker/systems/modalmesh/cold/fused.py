"""An item table <-> fused vectors: all that scoring needs of an item, known by nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.fusion_ranker.dataset.arrays import Flags
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.features import (
    HAS_TAGS,
    LACKS_TEXT,
    LINEAR_POPULARITY,
    POPULARITY,
    USUAL,
    YEAR,
)
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.item_table import ItemTable
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.model import ColdModel
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.similarities import TOGETHER

_SMALL = np.float32(1 / 64)
"""Numbers of an item are years and logarithms: made small, they don't outweigh the vectors in a product of two items.
A power of two loses nothing.
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things stand: `factors` numbers, then each of `kinds` by its width, then numbers by name."""

    factors: int
    kinds: Sequence[tuple[str, int]]
    numbers: Sequence[str]

    @classmethod
    def of(cls, model: ColdModel) -> "Layout":
        kinds = tuple((name, own.shape[1]) for name, own in model.side.reference.items())
        usual = tuple(USUAL + name for name in (*(name for name, _ in kinds), TOGETHER))
        numbers = (POPULARITY, LINEAR_POPULARITY, YEAR, HAS_TAGS, LACKS_TEXT, *usual)
        return cls(len(model.adds), kinds, numbers)

    @property
    def dim(self) -> int:
        return self.factors + sum(width for _, width in self.kinds) + len(self.numbers)

    def pack(self, table: ItemTable) -> FloatMatrix:
        """(N, dim) float32."""
        numbers = np.stack([table.numbers[name] for name in self.numbers], axis=1) * _SMALL
        parts = [table.factors, *(table.kinds[name] for name, _ in self.kinds), numbers]
        return np.concatenate(parts, axis=1).astype(np.float32)

    def unpack(self, vectors: FloatMatrix) -> ItemTable:
        """Of (N, dim) float32; its arrays are parts of `vectors`."""
        widths = [self.factors, *(width for _, width in self.kinds), len(self.numbers)]
        factors, *kinds, numbers = np.split(vectors, np.cumsum(widths)[:-1], axis=1)
        return ItemTable(
            factors,
            {name: own for (name, _), own in zip(self.kinds, kinds, strict=True)},
            {name: numbers[:, place] / _SMALL for place, name in enumerate(self.numbers)},
        )

    @property
    def scale(self) -> float:
        """What a column of a number is to be multiplied by to be that number."""
        return float(1 / _SMALL)

    def number_column(self, name: str) -> int:
        return self.dim - len(self.numbers) + tuple(self.numbers).index(name)


def nothing_known(table: ItemTable) -> Flags:
    """(N,) bool: items without any kind of content."""
    flags = np.ones(len(table), np.bool_)
    for own in table.kinds.values():
        flags &= ~own.any(axis=1)
    return flags
