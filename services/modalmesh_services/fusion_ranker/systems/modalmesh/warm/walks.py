"""From an item to who liked it to what else they liked: item neighbours by cosine, and a random walk that shuns the
popular (Christoffel et al., "Blockbusters and Wallflowers", RecSys 2015).
"""

from dataclasses import dataclass

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Floats
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
        counts = states.like_counts[:, states.items]
        cosine = 1 / np.sqrt(counts + _SHRINK)
        liked = states.liked()
        reached = [self._reached(states, liked * cosine), self._reached(states, liked / (counts + 1))]
        reached[1] /= self.like_counts + 1
        if with_order:
            reached.append(self._reached(states, states.liked(_RECENT) * cosine))
        counts_here = states.here(states.like_counts)
        cosine_here = 1 / np.sqrt(counts_here + _SHRINK)
        iknn, rp3, *recent = states.spread(np.stack(reached), self.crowd.liked_by_item)
        found = {"iknn": iknn * cosine_here, "rp3": rp3 / (counts_here + 1) ** _POPULARITY_POWER}
        if recent:
            found["iknn_r10"] = recent[0] * cosine_here
        return found

    def _reached(self, states: States, profiles: Floats) -> Floats:
        """(B, U): how much of `profiles` (B, n) each other user liked."""
        return np.asarray(states.of_others(profiles @ states.liked_rows), np.float32)
