"""What lists are like beside their hits: how much of the catalogue they show, how unknown, how varied, how popular."""

import numpy as np

from modalmesh.embeddings import normalise
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes


def coverage(lists: Indexes, ranked: Flags) -> float:
    """The share of the items that could be ranked, (N,) bool, which is in any list; `lists` (U, K), -1 is no item."""
    shown = np.unique(lists[lists >= 0])
    return len(shown) / max(int(ranked.sum()), 1)


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
