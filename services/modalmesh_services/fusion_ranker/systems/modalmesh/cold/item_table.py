"""Items as a cold ranker scores them; a row of it is one fused vector."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats


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

    def __getitem__(self, rows: Flags | slice | np.typing.NDArray[np.int64]) -> "ItemTable":
        kinds = {name: own[rows] for name, own in self.kinds.items()}
        return ItemTable(self.factors[rows], kinds, {name: own[rows] for name, own in self.numbers.items()})
