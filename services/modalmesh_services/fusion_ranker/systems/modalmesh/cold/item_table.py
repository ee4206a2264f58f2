"""Items as a cold ranker scores them; a row of it is one fused vector."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats

Rows: TypeAlias = npt.NDArray[np.int64]
"""Places of items."""


@dataclass(frozen=True, slots=True, eq=False)
class ItemTable:
    """N items, float32. `factors` (N, d): as the crowd would have them; `kinds` by kind of content: (N, k), rows of
    length 1, or zeros; `numbers` by name: (N,).
    """

    factors: Floats
    kinds: Mapping[str, Floats]
    numbers: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.factors)

    def __getitem__(self, rows: Flags | slice | Rows) -> "ItemTable":
        kinds = {name: own[rows] for name, own in self.kinds.items()}
        return ItemTable(self.factors[rows], kinds, {name: own[rows] for name, own in self.numbers.items()})
