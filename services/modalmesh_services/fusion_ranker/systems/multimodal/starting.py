"""What signals learned by item id start from: counts and similarities of the training histories."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy import sparse

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import Indexes
from modalmesh_services.fusion_ranker.models.parts.collaborative import ItemItem
from modalmesh_services.fusion_ranker.systems.multimodal.network import Network, Popularity

_SHRINK = 10.0
"""As if items had been met by so many more, each another one's."""
_LEAST_SHARED = 2


def start_signals(network: Network, histories: Sequence[History], met: Indexes) -> None:
    """`met` (V,): the rows of the catalogue that make up the vocabulary, in its order."""
    place = {int(row): number for number, row in enumerate(met)}
    cells = [(user, place[int(row)]) for user, own in enumerate(histories) for row in np.unique(own.liked)]
    rows, columns = np.array(cells, np.int64).reshape(-1, 2).T
    liked = sparse.csr_array((np.ones(len(cells), np.float32), (rows, columns)), shape=(len(histories), len(met)))
    counts = np.asarray(liked.sum(axis=0)).ravel()
    for signal in network.signals.values():
        if isinstance(signal, Popularity):
            signal.start_from(torch.from_numpy(counts))
        elif isinstance(signal, ItemItem):
            signal.start_from(*_neighbours(liked, counts, signal.neighbours.shape[1]))


def _neighbours(liked: sparse.csr_array, counts: np.ndarray, most: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Each item's nearest by shrunk cosine: ids and similarities (V + 1, K)."""
    together = (liked.T @ liked).tocsr()
    ids = np.zeros((len(counts) + 1, most), np.int64)
    weights = np.zeros((len(counts) + 1, most), np.float32)
    for item in range(len(counts)):
        own = slice(together.indptr[item], together.indptr[item + 1])
        others, shared = together.indices[own], together.data[own]
        near = shared / np.sqrt((counts[item] + _SHRINK) * (counts[others] + _SHRINK))
        # One user alone makes no neighbours: training would take his own later likes for knowledge.
        near[(others == item) | (shared < _LEAST_SHARED)] = 0.0
        best = np.argsort(-near, kind="stable")[:most]
        best = best[near[best] > 0]
        ids[item + 1, : len(best)], weights[item + 1, : len(best)] = others[best] + 1, near[best]
    return torch.from_numpy(ids), torch.from_numpy(weights)
