"""What users did, in time order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import sparse

from modalmesh.positive import POSITIVE_RATING, PositiveRule
from modalmesh.types import Event
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes, SparseRows, Times


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """One user's n events in time order, ties by item id.

    `items` (n,) int32: rows of the catalogue; `times_ms` (n,) int64; `ratings` (n,) float32, NaN where an event has no
    value; `positive` (n,) bool. `user_id` serves to leave a user's own row out of what was learned from it, and no
    model may learn by it.
    """

    user_id: str
    items: Indexes
    times_ms: Times
    ratings: Floats
    positive: Flags

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, which: slice | Flags | Indexes) -> Self:
        return type(self)(
            self.user_id, self.items[which], self.times_ms[which], self.ratings[which], self.positive[which]
        )

    @property
    def liked(self) -> Indexes:
        """The positive items, in order."""
        return self.items[self.positive]

    @property
    def last_time_ms(self) -> int:
        return int(self.times_ms[-1]) if len(self) else 0

    def without_order(self) -> Self:
        """Sorted by row of the catalogue, all times 0."""
        order = np.argsort(self.items, kind="stable")
        return type(self)(
            self.user_id, self.items[order], np.zeros_like(self.times_ms), self.ratings[order], self.positive[order]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Interactions:
    """All users' histories, by user id. `unknown_items` counts events that name no item of the catalogue."""

    histories: tuple[History, ...]
    unknown_items: int = 0

    @classmethod
    def collect(
        cls, events: Iterable[Event], index: Mapping[str, int], positive_rating: float = POSITIVE_RATING
    ) -> Self:
        """Of the items in `index` (id -> row)."""
        by_user: dict[str, list[Event]] = {}
        unknown = 0
        for event in events:
            if event.item_id in index:
                by_user.setdefault(event.user_id, []).append(event)
            else:
                unknown += 1
        rank, positive = _ranks(index), PositiveRule(positive_rating)
        histories = (
            _history(user_id, sorted(own, key=lambda event: (event.time_ms, rank[event.item_id])), index, positive)
            for user_id, own in sorted(by_user.items(), key=lambda pair: id_order(pair[0]))
        )
        return cls(tuple(histories), unknown)

    def __len__(self) -> int:
        return sum(map(len, self.histories))


def liked_matrix(histories: Sequence[History], item_count: int) -> SparseRows:
    """(U, N) float32 CSR of 0 and 1: the positives."""
    liked = [np.unique(history.liked) for history in histories]
    starts = np.cumsum([0, *map(len, liked)])
    items = np.concatenate([np.zeros(0, np.int32), *liked])
    return sparse.csr_array((np.ones(len(items), np.float32), items, starts), shape=(len(histories), item_count))


def split_point(history: History, share: float) -> int:
    """How many events the known part has: it ends with the positive that completes this share of positives; 0 where
    the share is less than one.
    """
    places = np.flatnonzero(history.positive)
    # 0.8 of 10 positives is 8; in floating point a little more than that would be 9.
    known = int(np.floor(len(places) * share + 1e-9))
    return int(places[known - 1]) + 1 if known else 0


def liked_anew(known: History, later: History) -> Indexes:
    """(T,) int32, ascending: what is liked later and isn't known yet."""
    return np.setdiff1d(later.liked, known.items).astype(np.int32)


def id_order(name: str) -> tuple[int, int, str]:
    """Sorts numbers by value, before all other ids."""
    return (0, int(name), name) if name.isascii() and name.isdecimal() else (1, 0, name)


def _ranks(index: Mapping[str, int]) -> dict[str, int]:
    return {item_id: place for place, item_id in enumerate(sorted(index, key=id_order))}


def _history(user_id: str, events: Sequence[Event], index: Mapping[str, int], positive: PositiveRule) -> History:
    return History(
        user_id,
        np.array([index[event.item_id] for event in events], np.int32),
        np.array([event.time_ms for event in events], np.int64),
        np.array([np.nan if event.value is None else event.value for event in events], np.float32),
        np.array([positive(event) for event in events], np.bool_),
    )
