"""Histories to be continued, as matrices."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

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

    def rated(self, half_life: float | None = None) -> SparseRows:
        """(B, N) CSR: 1 where rated; with a half-life, half as much as many events before the last."""
        return self._profiles(half_life, [np.ones(len(history), np.float32) for history in self.histories])

    def liked(self, half_life: float | None = None) -> SparseRows:
        """(B, N) CSR: as `rated`, of what was liked."""
        return self._profiles(half_life, [history.positive.astype(np.float32) for history in self.histories])

    def _profiles(self, half_life: float | None, values: Sequence[Floats]) -> SparseRows:
        weighed = [
            own if half_life is None else own * np.exp2(-np.arange(len(own))[::-1] / half_life) for own in values
        ]
        starts = np.cumsum([0, *map(len, values)])
        items = np.concatenate([history.items for history in self.histories])
        data = np.concatenate(weighed).astype(np.float32)
        return sparse.csr_array((data, items, starts), shape=(len(self), self.crowd.item_count))

    def own(self, matrix: SparseRows) -> Floats:
        """(B, N): the users' own rows of a (U, N) matrix of the crowd, zeros for a stranger."""
        return np.asarray((self._selection @ matrix).toarray(), np.float32)

    @cached_property
    def _selection(self) -> SparseRows:
        """(B, U) CSR: 1 at a user's own row."""
        known = np.flatnonzero(self.rows != NOBODY)
        cells = (np.ones(len(known), np.float32), (known, self.rows[known]))
        return sparse.csr_array(cells, shape=(len(self), len(self.crowd)))

    @cached_property
    def rating_counts(self) -> Floats:
        """(B, N): by how many others an item was rated."""
        return self.crowd.rating_counts - self.own(self.crowd.rated)

    @cached_property
    def like_counts(self) -> Floats:
        """(B, N): by how many others an item was liked."""
        return self.crowd.like_counts - self.own(self.crowd.liked)

    def here(self, of_items: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """(..., M) of (..., N): the items to score."""
        return of_items if self.columns is None else of_items[..., self.columns]

    def rows_here(self, by_item: SparseRows) -> SparseRows:
        """(M, U) CSR of an (N, U) one."""
        return by_item if self.columns is None else by_item[self.columns]

    def spread(self, weights: npt.NDArray[np.floating], by_item: SparseRows) -> Floats:
        """(B, M): rows of a matrix added up, weighted by `weights` (B, U); `by_item` (N, U) CSR is its transpose."""
        found = self.rows_here(by_item) @ np.ascontiguousarray(weights.T, dtype=np.float32)
        return np.ascontiguousarray(found.T)

    def of_others(self, weights: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """`weights` (B, U), 0 at a user's own row."""
        known = np.flatnonzero(self.rows != NOBODY)
        weights[known, self.rows[known]] = 0
        return weights
