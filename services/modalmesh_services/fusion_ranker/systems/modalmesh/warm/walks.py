"""From an item to who liked it to what else they liked: item neighbours by cosine, and a random walk that shuns the
popular (Christoffel et al., "Blockbusters and Wallflowers", RecSys 2015).
"""

from dataclasses import dataclass

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Floats, SparseRows
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import Crowd
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.states import States

_SHRINK = 3.0
_POPULARITY_POWER = 0.6
_RECENT = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Walks:
    """`like_counts` (U,): how much each user of the crowd liked."""

    crowd: Crowd
    like_counts: Floats

    @classmethod
    def of(cls, crowd: Crowd) -> "Walks":
        return cls(crowd, np.asarray(crowd.liked.sum(axis=1), np.float32))

    def scores(self, states: States, *, with_order: bool) -> dict[str, Floats]:
        """Each (B, M)."""
        liked, counts = self.crowd.liked_by_item, states.here(states.like_counts)
        cosine = np.float32(1) / np.sqrt(states.like_counts + _SHRINK)
        to_users = self._reached(states, states.liked(), np.float32(1) / (states.like_counts + 1)) / (
            self.like_counts + 1
        )
        found = {
            "iknn": states.spread(self._reached(states, states.liked(), cosine), liked) * states.here(cosine),
            "rp3": states.spread(to_users, liked) / (counts + 1) ** _POPULARITY_POWER,
        }
        if with_order:
            recent = self._reached(states, states.liked(_RECENT), cosine)
            found["iknn_r10"] = states.spread(recent, liked) * states.here(cosine)
        return found

    def _reached(self, states: States, profiles: SparseRows, weights: Floats) -> Floats:
        """(B, U): how much of a profile, weighted by `weights` (B, N), each other user liked."""
        overlap = (profiles.multiply(weights).tocsr() @ self.crowd.liked_by_item).toarray()
        return np.asarray(states.of_others(overlap), np.float32)
