"""The training histories as matrices: whose rows all simple models of warm items are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from modalmesh.positive import POSITIVE_RATING
from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes, SparseRows, Times

NOBODY = -1
"""Stands where a state's user is not in the crowd."""

_MEAN_PRIOR_WEIGHT = 5.0
_MOST_USERS = 8000
"""Beyond, the longest histories are kept: a model here inverts a matrix of users by users."""


def newest(history: History) -> History:
    """Each item once: its newest event decides."""
    _, from_end = np.unique(history.items[::-1], return_index=True)
    if len(from_end) == len(history):
        return history
    return history[np.sort(len(history) - 1 - from_end).astype(np.int32)]


@dataclass(frozen=True, eq=False)
class Crowd:
    """U users, N items, E events, grouped by user, each user's in time order and each item once.

    `starts` (U + 1,) int64: where a user's events begin; `items` (E,) int32, `times_ms` (E,) int64, `ratings` (E,)
    float32, NaN where there is none, `positive` (E,) bool. `user_ids` (U,) or none: a bundle keeps no names.
    """

    item_count: int
    user_ids: tuple[str, ...]
    starts: Times
    items: Indexes
    times_ms: Times
    ratings: Floats
    positive: Flags

    @classmethod
    def of(cls, histories: Sequence[History], item_count: int) -> "Crowd":
        order = np.sort(np.argsort([-len(history) for history in histories], kind="stable")[:_MOST_USERS])
        kept = [newest(histories[row]) for row in order]
        return cls(
            item_count,
            tuple(history.user_id for history in kept),
            np.cumsum([0, *map(len, kept)], dtype=np.int64),
            np.concatenate([np.zeros(0, np.int32), *(history.items for history in kept)]),
            np.concatenate([np.zeros(0, np.int64), *(history.times_ms for history in kept)]),
            np.concatenate([np.zeros(0, np.float32), *(history.ratings for history in kept)]),
            np.concatenate([np.zeros(0, np.bool_), *(history.positive for history in kept)]),
        )

    def __len__(self) -> int:
        return len(self.starts) - 1

    def rows_of(self, user_ids: Sequence[str]) -> Indexes:
        """(B,) int32, NOBODY for a stranger."""
        return np.array([self._row.get(user_id, NOBODY) for user_id in user_ids], np.int32)

    def row_of_events(self, items: Indexes, times_ms: Times) -> int:
        """Whose row holds at least half of these events (n,), item and time: nobody else rated the same at the same
        moments.
        """
        keys = times_ms * self.item_count + items
        places = np.minimum(np.searchsorted(self._sorted_keys, keys), len(self.items) - 1)
        owners = self.owners[self._key_order[places[self._sorted_keys[places] == keys]]]
        counts = np.bincount(owners, minlength=1)
        return int(counts.argmax()) if 2 * counts.max() >= max(len(items), 2) else NOBODY

    @cached_property
    def _key_order(self) -> Times:
        return np.argsort(self.times_ms * self.item_count + self.items, kind="stable")

    @cached_property
    def _sorted_keys(self) -> Times:
        return (self.times_ms * self.item_count + self.items)[self._key_order]

    @cached_property
    def _row(self) -> dict[str, int]:
        return {user_id: row for row, user_id in enumerate(self.user_ids)}

    @cached_property
    def owners(self) -> Indexes:
        """(E,) int32: whose an event is."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.sizes.astype(np.int64))

    @cached_property
    def sizes(self) -> Floats:
        """(U,): how many items a user rated."""
        return np.diff(self.starts).astype(np.float32)

    @cached_property
    def rated(self) -> SparseRows:
        """(U, N) CSR of 0 and 1."""
        return self.matrix(np.ones(len(self.items), np.float32))

    @cached_property
    def liked(self) -> SparseRows:
        """(U, N) CSR of 0 and 1."""
        liked = self.matrix(self.positive.astype(np.float32)).copy()  # It shares its indexes with the others.
        liked.eliminate_zeros()
        return liked

    @cached_property
    def deviations(self) -> SparseRows:
        """(U, N) CSR: how far a rating is from the user's mean, which few ratings don't move far; 0 without rating."""
        known = ~np.isnan(self.ratings)
        ratings = np.where(known, self.ratings, 0)
        sums = np.bincount(self.owners, ratings, len(self)) + _MEAN_PRIOR_WEIGHT * POSITIVE_RATING
        means = sums / (np.bincount(self.owners, known, len(self)) + _MEAN_PRIOR_WEIGHT)
        return self.matrix(np.where(known, ratings - means[self.owners], 0).astype(np.float32))

    @cached_property
    def log_places(self) -> SparseRows:
        """(U, N) CSR: the logarithm of an item's place in the history, from 1."""
        places = np.arange(len(self.items)) - self.starts[self.owners] + 1
        return self.matrix(np.log(places).astype(np.float32))

    @cached_property
    def rated_by_item(self) -> SparseRows:
        """(N, U) CSR."""
        return by_item(self.rated)

    @cached_property
    def liked_by_item(self) -> SparseRows:
        """(N, U) CSR."""
        return by_item(self.liked)

    @cached_property
    def rating_counts(self) -> Floats:
        """(N,): by how many an item was rated."""
        return sums(self.rated)

    @cached_property
    def like_counts(self) -> Floats:
        """(N,): by how many an item was liked."""
        return sums(self.liked)

    def matrix(self, values: Floats) -> SparseRows:
        """(U, N) CSR of a value (E,) an event."""
        return sparse.csr_array((values, self.items, self.starts), shape=(len(self), self.item_count))


def sums(matrix: SparseRows) -> Floats:
    """(N,): of each column."""
    return np.asarray(matrix.sum(axis=0), np.float32)


def by_item(matrix: SparseRows) -> SparseRows:
    """(N, U) CSR of a (U, N) one."""
    return matrix.T.tocsr()
