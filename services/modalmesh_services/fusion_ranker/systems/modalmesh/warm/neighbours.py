"""What users who rated the same things liked, and how they rated (Herlocker et al., SIGIR 1999)."""

from dataclasses import dataclass

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Floats, SparseRows
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import Crowd, by_item
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.states import States

_RARITY_SHRINK = 10.0
_COUNT, _POWER, _POPULARITY_SHRINK = 60, 2.0, 5.0
_RATING_COUNT, _RATING_SHRINK = 200, 0.1
RECENT = 15.0
"""The half-life, in events, of a recent profile."""


def likeness(states: States, profiles: SparseRows) -> Floats:
    """(B, U): a cosine of `profiles` (B, N) to the users of the crowd, rare items counting more; 0 to oneself."""
    crowd = states.crowd
    rarity = 1 / np.sqrt(states.rating_counts + _RARITY_SHRINK)
    overlap = (profiles.multiply(rarity).tocsr() @ crowd.rated_by_item).toarray()
    # Without a state's own row, its items are rarer for all others, too.
    whole = 1 / np.sqrt(crowd.rating_counts + _RARITY_SHRINK)
    _, first, place = np.unique(states.rows, return_index=True, return_inverse=True)
    squares = (crowd.rated @ whole)[None] + (crowd.rated @ (rarity[first] - whole).T).T[place]
    return np.asarray(states.of_others(overlap / np.sqrt(np.maximum(squares, 1e-9))), np.float32)


def nearest(alike: Floats, count: int) -> Floats:
    """`alike` (B, U), 0 but for the `count` largest of each row."""
    if count >= alike.shape[1]:
        return alike
    least = np.partition(alike, -count, axis=1)[:, -count, None]
    return np.where(alike >= least, alike, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    crowd: Crowd
    deviations_by_item: SparseRows

    @classmethod
    def of(cls, crowd: Crowd) -> "Neighbours":
        return cls(crowd, by_item(crowd.deviations))

    def scores(self, states: States, *, with_order: bool) -> dict[str, Floats]:
        """Each (B, M)."""
        rarity = np.sqrt(states.here(states.like_counts) + _POPULARITY_SHRINK)
        alike = likeness(states, states.rated())
        raw = self._liked(states, alike)
        found = {"uknn": raw / rarity, "uknn_raw": raw, "rating_knn": self._ratings(states, alike)}
        if with_order:
            found["uknn_r15"] = self._liked(states, likeness(states, states.rated(RECENT))) / rarity
        return found

    def _liked(self, states: States, alike: Floats) -> Floats:
        return states.spread(nearest(alike, _COUNT) ** _POWER, self.crowd.liked_by_item)

    def _ratings(self, states: States, alike: Floats) -> Floats:
        """How far above their own mean the nearest rated an item."""
        weights = nearest(alike, _RATING_COUNT)
        prior = _RATING_SHRINK * np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
        total = states.spread(weights, self.deviations_by_item)
        return np.asarray(total / (states.spread(weights, self.crowd.rated_by_item) + prior), np.float32)
