"""What lists are like beside their hits: how much of the catalogue they show, how unknown, how varied, how popular."""

from collections.abc import Sequence

import numpy as np

from modalmesh.embeddings import normalise
from modalmesh_services.fusion_ranker.dataset.arrays import Floats, Indexes
from modalmesh_services.fusion_ranker.evaluation.bootstrap import Interval

_NORMAL = 1.96
"""Standard errors to each end of a 95 % interval."""


def coverage(lists: Sequence[Indexes], ranked: Sequence[int], users: Indexes) -> Interval:
    """The share of the items that could be ranked which is in any list, the mean of S splits.

    `lists` are (U, K) a split, -1 is no item; `ranked` are how many items a split could show; `users` says whose the
    rows of all splits are. The interval is the jackknife's: drawing users again with replacement would show fewer
    items than the users themselves (Heltshe, Forrester, "Estimating species richness using the jackknife", 1983).
    """
    value, lost = 0.0, []
    for own, possible in zip(lists, ranked, strict=True):
        # What is shown to one user alone is lost with that user.
        items, first, times = np.unique(own, return_index=True, return_counts=True)
        shown = items >= 0
        alone = first[shown & (times == 1)] // own.shape[1]
        value += shown.sum() / max(possible, 1) / len(lists)
        lost.append(np.bincount(alone, minlength=len(own)) / max(possible, 1) / len(lists))
    each = np.bincount(np.unique(users, return_inverse=True)[1], np.concatenate(lost))
    error = float(np.sqrt((len(each) - 1) / len(each) * ((each - each.mean()) ** 2).sum()))
    return Interval(float(value), max(value - _NORMAL * error, 0.0), min(value + _NORMAL * error, 1.0))


def novelty(lists: Indexes, likes: Floats, user_count: int) -> Floats:
    """(U,): the mean of -log2 of the share of users who like an item, as if one more did (Vargas, Castells, 2011)."""
    information = -np.log2((likes + 1) / (user_count + 1))
    return _mean_over_list(information[lists], lists)


def popularity_bias(lists: Indexes, likes: Floats) -> Floats:
    """(U,): the mean rank by likes, from 0 for the least liked to 1 for the most; 0.5 is no bias. Ties share a rank."""
    ordered = np.sort(likes)
    below, upto = np.searchsorted(ordered, likes), np.searchsorted(ordered, likes, side="right")
    ranks = np.asarray((below + upto - 1) / 2 / max(len(likes) - 1, 1), np.float32)
    return _mean_over_list(ranks[lists], lists)


def diversity(lists: Indexes, vectors: Floats) -> Floats:
    """(U,): 1 less the mean cosine of two items of a list; `vectors` (N, D), those without one differ from all."""
    listed = np.where((lists >= 0)[..., None], normalise(vectors)[lists], 0)
    # The sum over pairs is the square of the sum less the squares, and needs no K x K matrix.
    squares = (listed**2).sum(axis=(1, 2))
    count = (lists >= 0).sum(axis=1)
    pairs = np.maximum(count * (count - 1), 1)
    return np.asarray(1 - ((listed.sum(axis=1) ** 2).sum(axis=1) - squares) / pairs, np.float32)


def _mean_over_list(values: Floats, lists: Indexes) -> Floats:
    """(U,) of `values` (U, K), where there is an item."""
    there = lists >= 0
    return np.asarray(np.where(there, values, 0).sum(axis=1) / np.maximum(there.sum(axis=1), 1), np.float32)
