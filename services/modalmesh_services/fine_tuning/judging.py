"""How well held-out items lie near what those who like them liked before."""

from collections.abc import Iterator

import numpy as np
import torch

from modalmesh_services.fine_tuning.likes import Validation
from modalmesh_services.fine_tuning.vectors import ItemVectors
from modalmesh_services.fusion_ranker.dataset.arrays import Floats, Indexes

_AT_ONCE = 64


def auc(vectors: ItemVectors, validation: Validation) -> float:
    """The mean over judges of how often a held-out item that the judge likes is nearer than one that isn't told so."""
    held_out = _encode(vectors, validation.items)
    shown = np.unique(np.concatenate([judge.profile for judge in validation.judges]))
    known = _encode(vectors, shown)
    values = []
    for judge in validation.judges:
        scores = held_out @ known[np.searchsorted(shown, judge.profile)].mean(axis=0)
        liked = np.isin(validation.items, judge.liked)
        above = scores[liked][:, None] - scores[~liked]
        values.append(np.mean((above > 0) + (above == 0) / 2))
    return float(np.mean(values))


def _encode(vectors: ItemVectors, items: Indexes) -> Floats:
    return np.concatenate(list(_parts(vectors, items)))


@torch.no_grad()
def _parts(vectors: ItemVectors, items: Indexes) -> Iterator[Floats]:
    for start in range(0, len(items), _AT_ONCE):
        yield vectors(items[start : start + _AT_ONCE]).cpu().numpy()
