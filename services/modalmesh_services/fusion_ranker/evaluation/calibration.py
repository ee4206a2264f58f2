"""Scores -> probabilities, for systems whose scores are none."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes

_FOLDS = 5


def probabilities(scores: Floats, liked: Flags, users: Indexes) -> Floats:
    """(P,) float32: logistic regression on `scores` (P,) (Platt, 1999), cross-fitted over `users` (P,).

    A pair's probability comes from pairs of other users alone. Where those are all of one class it is their share.
    """
    found = np.empty(len(scores), np.float32)
    for fold in range(_FOLDS):
        own = users % _FOLDS == fold
        found[own] = _fitted(scores[~own], liked[~own], scores[own])
    return found


def _fitted(scores: Floats, liked: Flags, asked: Floats) -> Floats:
    if not len(asked):
        return asked
    if liked.all() or not liked.any():
        return np.full(len(asked), float(liked.mean()) if len(liked) else 0.5, np.float32)
    model = LogisticRegression(C=1e4).fit(scores[:, None], liked)
    return np.asarray(model.predict_proba(asked[:, None])[:, 1], np.float32)
