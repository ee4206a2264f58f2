"""Scores -> the best items of each user, and how well they hit."""

from collections.abc import Sequence

import numpy as np

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes


def ranked_lists(scores: Floats, histories: Sequence[History], ranked: Flags, length: int) -> Indexes:
    """(U, length) int32, best first: items of `ranked` (N,) bool that a history doesn't name; -1 where none is left.

    Equal scores go by the item's row, so that a list doesn't depend on how it was sorted.
    """
    left = np.where(ranked, scores, -np.inf)
    for row, history in enumerate(histories):
        left[row, history.items] = -np.inf
    first = best(left, length)
    return np.where(np.take_along_axis(left, first, axis=1) > -np.inf, first, -1).astype(np.int32)


def best(scores: Floats, length: int) -> Indexes:
    """(U, length or less) int32: columns of the largest of `scores` (U, N), best first, ties by column."""
    first = np.empty((len(scores), min(length, scores.shape[1])), np.int32)
    for row, own in enumerate(scores):
        first[row] = top(own, length)
    return first


def top(values: Floats, count: int) -> Indexes:
    """(count or less,) int32: places of the largest of `values` (N,), best first; equal ones in order."""
    if count < len(values):
        # All that tie with the last one, so that which of them are in doesn't depend on the partition. Sorting these
        # is much less than sorting all.
        chosen = np.flatnonzero(values >= np.partition(values, -count)[-count])
    else:
        chosen = np.arange(len(values))
    return chosen[np.argsort(-values[chosen], kind="stable")][:count].astype(np.int32)


def hits(lists: Indexes, targets: Sequence[Indexes]) -> Flags:
    """(U, K) bool: which places hold a target."""
    return np.array([np.isin(one, own) for one, own in zip(lists, targets, strict=True)], np.bool_).reshape(lists.shape)


def ndcg(hit: Flags, target_counts: Indexes) -> Floats:
    """(U,) of lists of length K; the ideal list has min(K, targets) hits."""
    discount = 1 / np.log2(np.arange(hit.shape[1]) + 2)
    ideal = np.concatenate(([0.0], np.cumsum(discount)))[np.minimum(target_counts, hit.shape[1])]
    return np.asarray(hit @ discount / np.maximum(ideal, discount[0]), np.float32)


def recall(hit: Flags, target_counts: Indexes) -> Floats:
    """(U,): hits over targets."""
    return np.asarray(hit.sum(axis=1) / np.maximum(target_counts, 1), np.float32)


def precision(hit: Flags) -> Floats:
    """(U,): hits over places."""
    return np.asarray(hit.mean(axis=1), np.float32)


def f1(hit: Flags, target_counts: Indexes) -> Floats:
    """(U,): the harmonic mean of precision and recall."""
    return np.asarray(2 * hit.sum(axis=1) / (hit.shape[1] + target_counts), np.float32)


def reciprocal_rank(hit: Flags) -> Floats:
    """(U,): 1 over the place of the first hit, 0 without one."""
    return np.asarray(hit.any(axis=1) / (hit.argmax(axis=1) + 1), np.float32)


def hit_rate(hit: Flags) -> Floats:
    """(U,): 1 with a hit, else 0."""
    return np.asarray(hit.any(axis=1), np.float32)
