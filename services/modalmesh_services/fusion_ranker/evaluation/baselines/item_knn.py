"""ItemKNN: items liked by the same people (Sarwar et al., WWW 2001), with shrunk cosines and the nearest kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import Floats, Indexes, SparseRows, Times
from modalmesh_services.fusion_ranker.evaluation.baselines.interface import Baseline, WithoutContent
from modalmesh_services.fusion_ranker.evaluation.baselines.matrices import liked_matrix
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
        common = (liked.T @ liked).tocoo()
        norm = np.sqrt(np.asarray(liked.sum(axis=0)))
        other = common.row != common.col
        rows, columns, counts = common.row[other], common.col[other], common.data[other]
        cosine = counts / (norm[rows] * norm[columns] + self.shrink)
        return FittedItemKnn(nearest(rows, columns, cosine, len(norm), self.neighbours))


@dataclass(frozen=True, slots=True, eq=False)
class FittedItemKnn(WithoutContent):
    """`similar` (N, N) CSR: row i holds the nearest of item i."""

    similar: SparseRows

    def score(self, histories: Sequence[History], times_ms: Times) -> Floats:
        known = liked_matrix(histories, self.similar.shape[0])
        return np.asarray((known @ self.similar.T).toarray(), np.float32)


def nearest(rows: Indexes, columns: Indexes, values: Floats, item_count: int, most: int) -> SparseRows:
    """(N, N) CSR of the `most` largest values a row, from (E,) coordinates; ties by column."""
    order = np.lexsort((columns, -values, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = place < most
    cells = (values[kept].astype(np.float32), (rows[kept], columns[kept]))
    return sparse.csr_array(cells, shape=(item_count, item_count))
