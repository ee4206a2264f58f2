"""ItemKNN: items liked by the same people (Sarwar et al., WWW 2001), with shrunk cosines and the nearest kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse

from modalmesh_services.fusion_ranker.dataset import History, liked_matrix
from modalmesh_services.fusion_ranker.dataset.arrays import Floats, SparseRows, Times
from modalmesh_services.fusion_ranker.evaluation.baselines.interface import Baseline, WithoutContent
from modalmesh_services.fusion_ranker.systems.interface import Training


@dataclass(frozen=True, slots=True)
class ItemKnn(Baseline):
    """`neighbours` kept an item; `shrink` draws cosines over few common users towards 0."""

    neighbours: int = 30
    shrink: float = 10.0
    name: str = "itemknn"
    version: int = 1

    def fit(self, training: Training) -> "FittedItemKnn":
        liked = liked_matrix(training.histories, len(training.catalogue))
        norm = np.sqrt(np.asarray(liked.sum(axis=0)))
        similar = sparse.csr_array(liked.T @ liked)
        rows, columns = np.repeat(np.arange(len(norm)), np.diff(similar.indptr)), similar.indices
        cosine = similar.data / (norm[rows] * norm[columns] + self.shrink)
        # An item is no neighbour of its own.
        similar.data = np.where(rows == columns, 0, cosine).astype(np.float32)
        return FittedItemKnn(nearest(similar, self.neighbours))


@dataclass(frozen=True, slots=True, eq=False)
class FittedItemKnn(WithoutContent):
    """`similar` (N, N) CSR: row i holds the nearest of item i."""

    similar: SparseRows

    def score(self, histories: Sequence[History], times_ms: Times) -> Floats:
        known = liked_matrix(histories, self.similar.shape[0])
        return np.asarray((known @ self.similar.T).toarray(), np.float32)


def nearest(similar: SparseRows, most: int) -> SparseRows:
    """(N, N) CSR of the `most` largest values above 0 a row; ties by column."""
    similar.sort_indices()
    kept = np.zeros(similar.nnz, np.bool_)
    for start, end in pairwise(similar.indptr.tolist()):
        own = similar.data[start:end]
        kept[start + np.argsort(-own, kind="stable")[:most]] = True
    rows = np.repeat(np.arange(similar.shape[0]), np.diff(similar.indptr))
    kept &= similar.data > 0
    return sparse.csr_array((similar.data[kept], (rows[kept], similar.indices[kept])), shape=similar.shape)
