"""What is liked in general: by all, by people who rated about as much, and how well."""

from dataclasses import dataclass

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Floats
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import Crowd, sums
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.states import States

_SIZE_WIDTH = 0.7
_SIZE_SCALE = 100.0
_QUALITY_PRIOR = 5.0
_PLACE_PRIOR = (5.0, 4 * 5.0)
"""So many imaginary ratings of an item, and the sum of their places' logarithms."""


@dataclass(frozen=True, slots=True, eq=False)
class Popularity:
    crowd: Crowd
    deviation_sums: Floats
    place_sums: Floats

    @classmethod
    def of(cls, crowd: Crowd) -> "Popularity":
        return cls(crowd, sums(crowd.deviations), sums(crowd.log_places))

    def scores(self, states: States, *, with_order: bool) -> dict[str, Floats]:
        """Each (B, M)."""
        rated = states.here(states.rating_counts)
        quality = states.here(states.by_others(self.deviation_sums, self.crowd.deviations))
        found = {
            "pop": np.log1p(states.here(states.like_counts)),
            "pop_all": np.log1p(rated),
            "pop_size": self._among_alike(states),
            "quality": quality / (rated + _QUALITY_PRIOR),
        }
        return found | ({"place_gap": self._place_gap(states)} if with_order else {})

    def _among_alike(self, states: States) -> Floats:
        gaps = np.abs(np.log(np.maximum(states.sizes, 1))[:, None] - np.log(np.maximum(self.crowd.sizes, 1)))
        weights = states.of_others(np.exp(-gaps / _SIZE_WIDTH))
        total = np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
        return np.asarray(np.log1p(_SIZE_SCALE * states.spread(weights / total, self.crowd.liked_by_item)), np.float32)

    def _place_gap(self, states: States) -> Floats:
        """How much later the user is than others were when they came to an item, in logarithms of places."""
        count, total = _PLACE_PRIOR
        places = states.here(states.by_others(self.place_sums, self.crowd.log_places))
        theirs = (places + total) / (states.here(states.rating_counts) + count)
        return np.asarray(np.log(np.maximum(states.sizes, 1))[:, None] - theirs, np.float32)
