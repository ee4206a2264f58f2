"""Histories as matrices."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import SparseRows


def liked_matrix(histories: Sequence[History], item_count: int) -> SparseRows:
    """(U, N) float32 CSR of 0 and 1: the positives."""
    liked = [np.unique(history.liked) for history in histories]
    starts = np.cumsum([0, *map(len, liked)])
    items = np.concatenate([np.zeros(0, np.int32), *liked])
    return sparse.csr_array((np.ones(len(items), np.float32), items, starts), shape=(len(histories), item_count))
