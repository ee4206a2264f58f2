"""ALS: matrix factorisation of implicit feedback (Hu, Koren, Volinsky, ICDM 2008)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modalmesh_services.fusion_ranker.dataset import History, liked_matrix
from modalmesh_services.fusion_ranker.dataset.arrays import Floats, SparseRows, Times
from modalmesh_services.fusion_ranker.evaluation.baselines.interface import Baseline, WithoutContent
from modalmesh_services.fusion_ranker.systems.interface import Training


@dataclass(frozen=True, slots=True)
class Als(Baseline):
    """`confidence` is what a like weighs beside an unseen item's 1 (the paper's alpha)."""

    dim: int = 32
    confidence: float = 10.0
    penalty: float = 10.0
    rounds: int = 10
    seed: int = 0
    name: str = "als"
    version: int = 1

    def fit(self, training: Training) -> "FittedAls":
        liked = liked_matrix(training.histories, len(training.catalogue))
        random = np.random.default_rng(self.seed)
        items: npt.NDArray[np.float64] = random.normal(0, 0.1, (liked.shape[1], self.dim))
        by_item = liked.T.tocsr()
        for _ in range(self.rounds):
            users = solve(liked, items, self.confidence, self.penalty)
            items = solve(by_item, users, self.confidence, self.penalty)
        return FittedAls(items, self.confidence, self.penalty)


@dataclass(frozen=True, slots=True, eq=False)
class FittedAls(WithoutContent):
    """`items` (N, d) float64; a user's factors are solved for from the history."""

    items: npt.NDArray[np.float64]
    confidence: float
    penalty: float

    def score(self, histories: Sequence[History], times_ms: Times) -> Floats:
        users = solve(liked_matrix(histories, len(self.items)), self.items, self.confidence, self.penalty)
        return np.asarray(users @ self.items.T, np.float32)


def solve(
    liked: SparseRows, factors: npt.NDArray[np.float64], confidence: float, penalty: float
) -> npt.NDArray[np.float64]:
    """(R, d): each row's factors given the others' `factors` (C, d), `liked` (R, C) CSR."""
    rows = np.flatnonzero(np.diff(liked.indptr))
    dim = factors.shape[1]
    # A row's sum of its factors' squares is a product with the matrix of all squares.
    squares = (factors[:, :, None] * factors[:, None, :]).reshape(len(factors), -1)
    shared = factors.T @ factors + penalty * np.eye(dim)
    own = shared + confidence * (liked[rows] @ squares).reshape(-1, dim, dim)
    found = np.zeros((liked.shape[0], dim))
    found[rows] = np.linalg.solve(own, (1 + confidence) * (liked[rows] @ factors)[..., None])[..., 0]
    return found
