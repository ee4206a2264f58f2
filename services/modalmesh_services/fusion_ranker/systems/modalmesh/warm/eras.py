"""What people of the same time rated, where no event has a time: the years of what they rated tell when they came."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modalmesh_services.fusion_ranker.dataset.arrays import Floats, Indexes
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import Crowd
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.neighbours import nearest
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.states import States

_LATE = 95
"""The percentile of the years that counts as the user's own: hardly anything is rated before it comes out."""

_WIDTH_YEARS = 2.0
_COUNT, _POWER, _SHRINK = 150, 1.5, 5.0
_POPULARITY_SCALE = 100.0


@dataclass(frozen=True, slots=True, eq=False)
class Eras:
    """`years` (N,) of the items; `eras` (U,) of the crowd."""

    years: Floats
    eras: Floats

    @classmethod
    def of(cls, crowd: Crowd, years: Floats) -> "Eras":
        parts = np.split(crowd.items, crowd.starts[1:-1])
        return cls(years, np.array([era(years, items) for items in parts], np.float32))

    def scores(self, states: States, alike: Floats) -> dict[str, Floats]:
        """Each (B, M); `alike` (B, U): how alike the users of the crowd are."""
        own = np.array([era(self.years, history.items) for history in states.histories], np.float32)
        crowd = states.crowd
        near: npt.NDArray[np.floating] = np.exp(-np.abs(own[:, None] - self.eras) / _WIDTH_YEARS)
        near = states.of_others(near)
        shares = near / np.maximum(near.sum(axis=1, keepdims=True), 1e-9)
        nearby = near * nearest(alike, _COUNT) ** _POWER
        rarity = np.sqrt(states.here(states.rating_counts) + _SHRINK)
        return {
            "pop_era": np.log1p(_POPULARITY_SCALE * states.spread(shares, crowd.liked_by_item)),
            "uknn_era": states.spread(nearby, crowd.rated_by_item) / rarity,
        }


def era(years: Floats, items: Indexes) -> float:
    """0 without items."""
    return float(np.percentile(years[items], _LATE)) if len(items) else 0.0
