"""What most people like, whoever asks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modalmesh_services.fusion_ranker.dataset import History, liked_matrix
from modalmesh_services.fusion_ranker.dataset.arrays import Floats, Times
from modalmesh_services.fusion_ranker.evaluation.baselines.interface import Baseline, WithoutContent
from modalmesh_services.fusion_ranker.systems.interface import Training


@dataclass(frozen=True, slots=True)
class Popularity(Baseline):
    """Items by how many users like them."""

    name: str = "popularity"
    version: int = 1

    def fit(self, training: Training) -> "FittedPopularity":
        liked = liked_matrix(training.histories, len(training.catalogue))
        return FittedPopularity(np.asarray(liked.sum(axis=0), np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class FittedPopularity(WithoutContent):
    """`counts` (N,) float32: likes."""

    counts: Floats

    def score(self, histories: Sequence[History], times_ms: Times) -> Floats:
        return np.tile(self.counts, (len(histories), 1))
