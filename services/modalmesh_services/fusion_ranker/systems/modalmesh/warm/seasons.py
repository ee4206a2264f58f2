"""What was rated around the time of asking: by all, and by those who are alike."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from modalmesh_services.fusion_ranker.dataset.arrays import YEAR_MS, Floats, Indexes, SparseRows
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import NOBODY, Crowd, by_item
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.neighbours import likeness, nearest
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.states import States

_SEASONS_A_YEAR = 4
_COUNT, _POWER, _SHRINK = 150, 1.5, 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Seasons:
    """V quarters of a year in which a user rated: `owners` (V,) int32, `years` (V,) float64 of its mean event,
    `by_item` (N, V) CSR of 0 and 1.
    """

    owners: Indexes
    years: npt.NDArray[np.float64]
    by_item: SparseRows

    @classmethod
    def of(cls, crowd: Crowd) -> "Seasons":
        quarters = np.floor(crowd.times_ms / YEAR_MS * _SEASONS_A_YEAR).astype(np.int64)
        pairs, season = np.unique(np.stack([crowd.owners, quarters]), axis=1, return_inverse=True)
        season = season.ravel()
        cells = (np.ones(len(season), np.float32), (season, crowd.items))
        rated = sparse.csr_array(cells, shape=(pairs.shape[1], crowd.item_count))
        years = np.bincount(season, crowd.times_ms / YEAR_MS) / np.maximum(np.bincount(season), 1)
        return cls(pairs[0].astype(np.int32), years, by_item(rated))

    def scores(self, states: States) -> dict[str, Floats]:
        """Each (B, M)."""
        ahead = self.years - (states.times_ms / YEAR_MS)[:, None]
        others = (self.owners != states.rows[:, None]) | (states.rows[:, None] == NOBODY)
        near = {name: others * np.exp(-np.abs(ahead) / width) for name, width in (("1y", 1.0), ("4y", 4.0))}
        past = others * np.where(ahead <= 0, np.exp(np.minimum(ahead, 0)), 0)
        alike = nearest(likeness(states, states.rated()), _COUNT)[:, self.owners] ** _POWER
        rarity = np.sqrt(states.here(states.rating_counts) + _SHRINK)
        return {
            **{f"pop_{name}": np.log1p(states.spread(weights, self.by_item)) for name, weights in near.items()},
            "pop_past": np.log1p(states.spread(past, self.by_item)),
            **{f"uknn_{name}": states.spread(weights * alike, self.by_item) / rarity for name, weights in near.items()},
        }
