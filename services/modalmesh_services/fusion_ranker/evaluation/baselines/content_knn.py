"""Content kNN: items that are like what was liked, by one kind of content or by a weighted mix of several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from modalmesh_services.fusion_ranker.dataset import Catalogue, History
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Times
from modalmesh_services.fusion_ranker.evaluation.baselines.content_features import FEATURES, features
from modalmesh_services.fusion_ranker.evaluation.baselines.matrices import liked_matrix
from modalmesh_services.fusion_ranker.systems.interface import Training

_CHUNK = 1000
"""Items compared with the liked ones at once: some 40 MB a kind of content."""


@dataclass(frozen=True, slots=True)
class ContentKnn:
    """`weights` of the cosines by kind of content; negative mixes count 0, others are raised to `power`.

    An item's score sums up its `neighbours` nearest trainable items, where those are liked.
    """

    weights: Mapping[str, float]
    neighbours: int = 100
    power: float = 2.0
    name: str = "content"
    version: int = 1

    @property
    def configuration(self) -> Mapping[str, object]:
        return MappingProxyType(
            {"weights": dict(self.weights), "neighbours": self.neighbours, "power": self.power, "features": FEATURES}
        )

    def fit(self, training: Training) -> "FittedContentKnn":
        liked = liked_matrix(training.histories, len(training.catalogue))
        # Items that nobody likes are no neighbours: no history's score could come from them.
        teaching = training.trainable & (np.asarray(liked.sum(axis=0)) > 0)
        return FittedContentKnn(self, training.catalogue, teaching)


@dataclass(frozen=True, slots=True, eq=False)
class FittedContentKnn:
    """`teaching` (N,) bool: the items that may be neighbours; means of vectors are theirs."""

    system: ContentKnn
    catalogue: Catalogue
    teaching: Flags

    def score(self, histories: Sequence[History], times_ms: Times) -> Floats:
        """An item's similarities are sums over `neighbours`, so each chunk of items is scored by itself."""
        rows = np.flatnonzero(self.teaching)
        liked = liked_matrix(histories, len(self.catalogue))[:, rows]
        weights = {kind: weight for kind, weight in self.system.weights.items() if weight}
        kinds = features(self.catalogue, self.teaching, weights)
        scores = np.zeros((len(histories), len(self.catalogue)), np.float32)
        for start in range(0, len(self.catalogue), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            mix = np.zeros((len(rows), len(self.catalogue.item_ids[chunk])), np.float32)
            for kind, vectors in kinds.items():
                mix += weights[kind] * (vectors[rows] @ vectors[chunk].T)
            # An item is no neighbour of its own; it is seen where it is liked.
            scores[:, chunk] = liked @ self._nearest(mix)
        return scores

    def _nearest(self, mix: Floats) -> Floats:
        """(T, C): of each column the largest, raised to the power; 0 elsewhere."""
        similar = np.maximum(mix, 0) ** np.float32(self.system.power)
        count = self.system.neighbours
        if count >= len(similar):
            return similar
        least = np.partition(similar, -count, axis=0)[-count]
        return np.where(similar >= least, similar, np.float32(0))

    def serving(self, catalogue: Catalogue) -> "FittedContentKnn":
        return FittedContentKnn(self.system, catalogue, self.teaching)
