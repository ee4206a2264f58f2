"""Histories to be continued, as matrices."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes, SparseRows, Times
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import NOBODY, Crowd, newest

Number = TypeVar("Number", bound=np.floating)


@dataclass(frozen=True, eq=False)
class States:
    """B histories, each item once. `rows` (B,) int32 is the row of the same user in the crowd, or NOBODY;
    `times_ms` (B,) int64 is when the continuation is asked for. `columns` (M,): the items to score; None: all N.
    """

    crowd: Crowd
    histories: tuple[History, ...]
    rows: Indexes
    times_ms: Times
    columns: Indexes | None = None

    @classmethod
    def of(cls, crowd: Crowd, histories: Sequence[History], times_ms: Times, rows: Indexes | None = None) -> "States":
        """`rows` are found by the users' ids where they aren't given."""
        own = crowd.rows_of([history.user_id for history in histories]) if rows is None else rows
        return cls(crowd, tuple(newest(history) for history in histories), own, times_ms)

    def __len__(self) -> int:
        return len(self.histories)

    @cached_property
    def sizes(self) -> Floats:
        """(B,): how many items were rated."""
        return np.array([len(history) for history in self.histories], np.float32)

    @cached_property
    def seen(self) -> Flags:
        """(B, N) bool."""
        flags = np.zeros((len(self), self.crowd.item_count), np.bool_)
        for row, history in enumerate(self.histories):
            flags[row, history.items] = True
        return flags

    @cached_property
    def items(self) -> Indexes:
        """(n,) int32, ascending: what any of the histories names. Profiles have these items alone."""
        return np.unique(np.concatenate([np.zeros(0, np.int32), *(history.items for history in self.histories)]))

    @cached_property
    def rated_rows(self) -> Floats:
        """(n, U) of 0 and 1: who of the crowd rated the histories' items."""
        return np.asarray(self.crowd.rated_by_item[self.items].toarray(), np.float32)

    @cached_property
    def liked_rows(self) -> Floats:
        """(n, U) of 0 and 1: who of the crowd liked the histories' items."""
        return np.asarray(self.crowd.liked_by_item[self.items].toarray(), np.float32)

    def rated(self, half_life: float | None = None) -> Floats:
        """(B, n): 1 where rated; with a half-life, half as much as many events before the last."""
        return self._profiles(half_life, [np.ones(len(history), np.float32) for history in self.histories])

    def liked(self, half_life: float | None = None) -> Floats:
        """(B, n): as `rated`, of what was liked."""
        return self._profiles(half_life, [history.positive.astype(np.float32) for history in self.histories])

    def _profiles(self, half_life: float | None, values: Sequence[Floats]) -> Floats:
        profiles = np.zeros((len(self), len(self.items)), np.float32)
        for row, (places, own) in enumerate(zip(self._places, values, strict=True)):
            since = np.arange(len(own))[::-1]
            profiles[row, places] = own if half_life is None else own * np.exp2(-since / half_life)
        return profiles

    @cached_property
    def _places(self) -> list[Times]:
        """By state: where its events' items are among `items`."""
        return [np.searchsorted(self.items, history.items) for history in self.histories]

    @cached_property
    def strangers(self) -> bool:
        """Whether none of the users is in the crowd."""
        return bool((self.rows == NOBODY).all())

    def by_others(self, totals: Floats, matrix: SparseRows) -> Floats:
        """(B, N): sums `totals` (N,) over the rows of a (U, N) matrix of the crowd, without the users' own rows."""
        users, place = np.unique(self.rows, return_inverse=True)
        found = np.tile(totals, (len(users), 1))
        for row, user in enumerate(users.tolist()):
            if user != NOBODY:
                own = slice(matrix.indptr[user], matrix.indptr[user + 1])
                found[row, matrix.indices[own]] -= matrix.data[own]
        # Variants of one history share a row, of which no copies are made.
        return np.broadcast_to(found, (len(self), len(totals))) if len(users) == 1 else found[place]

    @cached_property
    def rating_counts(self) -> Floats:
        """(B, N): by how many others an item was rated."""
        return self.by_others(self.crowd.rating_counts, self.crowd.rated)

    @cached_property
    def like_counts(self) -> Floats:
        """(B, N): by how many others an item was liked."""
        return self.by_others(self.crowd.like_counts, self.crowd.liked)

    def here(self, of_items: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """(..., M) of (..., N): the items to score."""
        return of_items if self.columns is None else of_items[..., self.columns]

    def rows_here(self, by_item: SparseRows) -> SparseRows:
        """(M, ...) CSR of an (N, ...) one."""
        return by_item if self.columns is None else by_item[self.columns]

    def spread(self, weights: npt.NDArray[np.floating], by_item: SparseRows) -> Floats:
        """(..., B, M): rows of a matrix added up, weighted by `weights` (..., B, U); `by_item` (N, U) CSR is its
        transpose. Many at once cost less than one by one: the matrix is read once.
        """
        return products(self.rows_here(by_item), weights)

    def of_others(self, weights: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """`weights` (B, U), 0 at a user's own row."""
        known = np.flatnonzero(self.rows != NOBODY)
        weights[known, self.rows[known]] = 0
        return weights


def products(matrix: SparseRows, weights: npt.NDArray[np.floating]) -> Floats:
    """(..., M): `weights` (..., n) times the transpose of `matrix` (M, n) CSR, all at once."""
    rows = weights.reshape(math.prod(weights.shape[:-1]), weights.shape[-1]).astype(np.float32, copy=False)
    found = np.ascontiguousarray((matrix @ np.ascontiguousarray(rows.T)).T)
    return found.reshape(*weights.shape[:-1], matrix.shape[0])
