"""What was rated around the time of asking: by all, and by those who are alike."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from modalmesh_services.fusion_ranker.dataset.arrays import YEAR_MS, Floats, Indexes, SparseRows
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import NOBODY, Crowd, by_item
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.neighbours import nearest
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

    def scores(self, states: States, alike: Floats) -> dict[str, Floats]:
        """Each (B, M); `alike` (B, U): how alike the users of the crowd are."""
        ahead = self.years - (states.times_ms / YEAR_MS)[:, None]
        others = (self.owners != states.rows[:, None]) | (states.rows[:, None] == NOBODY)
        one, four = (others * np.exp(-np.abs(ahead) / width) for width in (1.0, 4.0))
        past = others * np.where(ahead <= 0, np.exp(np.minimum(ahead, 0)), 0)
        near = nearest(alike, _COUNT)[:, self.owners] ** _POWER
        rarity = np.sqrt(states.here(states.rating_counts) + _SHRINK)
        found = states.spread(np.stack([one, four, past, one * near, four * near]), self.by_item)
        popular, by_alike = np.log1p(found[:3]), found[3:] / rarity
        return dict(zip(("pop_1y", "pop_4y", "pop_past", "uknn_1y", "uknn_4y"), (*popular, *by_alike), strict=True))
