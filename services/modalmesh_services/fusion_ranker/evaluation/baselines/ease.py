"""EASE: a linear item-item model with a closed form (Steck, "Embarrassingly Shallow Autoencoders", WWW 2019)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modalmesh_services.fusion_ranker.dataset import History, liked_matrix
from modalmesh_services.fusion_ranker.dataset.arrays import Floats, SparseRows, Times
from modalmesh_services.fusion_ranker.evaluation.baselines.interface import Baseline, WithoutContent
from modalmesh_services.fusion_ranker.systems.interface import Training


@dataclass(frozen=True, slots=True)
class Ease(Baseline):
    """`penalty` is the paper's lambda."""

    penalty: float = 200.0
    name: str = "ease"
    version: int = 1

    def fit(self, training: Training) -> "FittedEase":
        return FittedEase.of(liked_matrix(training.histories, len(training.catalogue)), self.penalty)


@dataclass(frozen=True, slots=True, eq=False)
class FittedEase(WithoutContent):
    """The model in its dual form, over users instead of items.

    With X (U, N) and the Woodbury identity, P = (X'X + penalty I)^-1 = (I - X' Z) / penalty, where
    Z = (XX' + penalty I)^-1 X is (U, N). No N x N matrix is made; `diagonal` (N,) is P's.
    """

    liked: SparseRows
    solved: npt.NDArray[np.float64]
    diagonal: npt.NDArray[np.float64]
    penalty: float

    @classmethod
    def of(cls, liked: SparseRows, penalty: float) -> "FittedEase":
        rows: npt.NDArray[Any] = liked.toarray().astype(np.float64)
        solved = np.linalg.solve(rows @ rows.T + penalty * np.eye(len(rows)), rows)
        return cls(liked, solved, (1 - (rows * solved).sum(axis=0)) / penalty, penalty)

    def score(self, histories: Sequence[History], times_ms: Times) -> Floats:
        known = liked_matrix(histories, len(self.diagonal))
        product = (known.toarray() - (known @ self.liked.T).toarray() @ self.solved) / self.penalty
        # The paper's B is I - P / diag(P), with a zero diagonal.
        return np.asarray(known.toarray() - product / self.diagonal, np.float32)
