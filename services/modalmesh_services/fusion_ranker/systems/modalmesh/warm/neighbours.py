"""What users who rated the same things liked, and how they rated (Herlocker et al., SIGIR 1999)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Floats, SparseRows
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import NOBODY, Crowd, by_item
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.states import States

_RARITY_SHRINK = 10.0
_COUNT, _POWER, _POPULARITY_SHRINK = 60, 2.0, 5.0
_RATING_COUNT, _RATING_SHRINK = 200, 0.1
RECENT = 15.0
"""The half-life, in events, of a recent profile."""


def nearest(alike: Floats, count: int) -> Floats:
    """`alike` (B, U), 0 but for the `count` largest of each row."""
    if count >= alike.shape[1]:
        return alike
    least = np.partition(alike, -count, axis=1)[:, -count, None]
    return np.where(alike >= least, alike, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """`squares` (U,): the squared lengths of what users rated, rare items counting more."""

    crowd: Crowd
    squares: Floats
    deviations_by_item: SparseRows

    @classmethod
    def of(cls, crowd: Crowd) -> "Neighbours":
        return cls(crowd, crowd.rated @ (1 / (crowd.rating_counts + _RARITY_SHRINK) ** 0.5), by_item(crowd.deviations))

    def alike(self, states: States, profiles: Sequence[Floats]) -> list[Floats]:
        """(B, U) for each of `profiles` (B, n): a cosine to the users of the crowd, rare items counting more; 0 to
        oneself.
        """
        rarity = 1 / np.sqrt(states.rating_counts[:, states.items] + _RARITY_SHRINK)
        lengths = np.sqrt(np.maximum(self._squares(states), 1e-9))
        return [
            np.asarray(states.of_others((own * rarity) @ states.rated_rows / lengths), np.float32) for own in profiles
        ]

    def _squares(self, states: States) -> Floats:
        """(B, U): without a state's own row, its items are rarer for all others, too."""
        users, place = np.unique(states.rows, return_inverse=True)
        squares = np.tile(self.squares, (len(users), 1))
        for row, user in enumerate(users.tolist()):
            if user != NOBODY:
                items = self.crowd.items[self.crowd.starts[user] : self.crowd.starts[user + 1]]
                counts = self.crowd.rating_counts[items] + _RARITY_SHRINK
                squares[row] += self.crowd.rated_by_item[items].T @ (1 / np.sqrt(counts - 1) - 1 / np.sqrt(counts))
        return squares[place]

    def scores(self, states: States, alike: Floats, recent: Floats | None) -> dict[str, Floats]:
        """Each (B, M); `alike` and `recent` (B, U): to whole histories, and to their ends if order counts."""
        rarity = np.sqrt(states.here(states.like_counts) + _POPULARITY_SHRINK)
        weights = [nearest(own, _COUNT) ** _POWER for own in (alike, recent) if own is not None]
        raw, *late = states.spread(np.stack(weights), self.crowd.liked_by_item)
        found = {"uknn": raw / rarity, "uknn_raw": raw, "rating_knn": self._ratings(states, alike)}
        if late:
            found["uknn_r15"] = late[0] / rarity
        return found

    def _ratings(self, states: States, alike: Floats) -> Floats:
        """How far above their own mean the nearest rated an item."""
        weights = nearest(alike, _RATING_COUNT)
        prior = _RATING_SHRINK * np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
        total = states.spread(weights, self.deviations_by_item)
        return np.asarray(total / (states.spread(weights, self.crowd.rated_by_item) + prior), np.float32)
