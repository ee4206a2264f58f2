"""All token vectors of one modality."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """T vectors of N items, grouped by item: text fields, or pictures and frames.

    `vectors` (T, D) float32; `items` (T,) int32, ascending: whose a vector is; `kinds` (T,) int32 into `kind_names`.
    An item without a row lacks the modality.
    """

    item_count: int
    vectors: Floats
    items: Indexes
    kinds: Indexes
    kind_names: tuple[str, ...]

    @classmethod
    def empty(cls, item_count: int, dim: int = 0) -> Self:
        none = np.zeros(0, np.int32)
        return cls(item_count, np.zeros((0, dim), np.float32), none, none, ())

    @classmethod
    def collect(cls, rows: Iterable[tuple[Floats, Sequence[str]]]) -> Self:
        """From each item's vectors (t, D) and their kinds, in item order; t may be 0."""
        per_item = list(rows)
        counts = [len(kinds) for _, kinds in per_item]
        if not sum(counts):
            return cls.empty(len(per_item))
        names = tuple(dict.fromkeys(kind for _, kinds in per_item for kind in kinds))
        number = {name: place for place, name in enumerate(names)}
        return cls(
            item_count=len(per_item),
            vectors=np.concatenate([vectors for vectors, kinds in per_item if len(kinds)], dtype=np.float32),
            items=np.repeat(np.arange(len(per_item), dtype=np.int32), counts),
            kinds=np.array([number[kind] for _, kinds in per_item for kind in kinds], np.int32),
            kind_names=names,
        )

    @property
    def dim(self) -> int:
        return int(self.vectors.shape[1])

    def present(self) -> Flags:
        """(N,) bool: which items have a vector."""
        flags = np.zeros(self.item_count, np.bool_)
        flags[self.items] = True
        return flags

    def of_kind(self, *names: str) -> Self:
        """Only these kinds."""
        return self._rows(np.isin(self.kinds, [place for place, name in enumerate(self.kind_names) if name in names]))

    def without_kind(self, name: str) -> Self:
        return self.of_kind(*(other for other in self.kind_names if other != name))

    def without_items(self, hidden: Flags) -> Self:
        """`hidden` (N,) bool: they lack the modality."""
        return self._rows(~hidden[self.items])

    def pooled(self) -> tuple[Floats, Flags]:
        """Each item's mean vector (N, D), zero where it has none, and which have one (N,)."""
        total = np.zeros((self.item_count, self.dim), np.float32)
        np.add.at(total, self.items, self.vectors)
        count = np.bincount(self.items, minlength=self.item_count)
        return np.asarray(total / np.maximum(count, 1)[:, None], np.float32), count > 0

    def padded(self, most: int) -> tuple[Floats, Flags, Indexes]:
        """The first `most` vectors an item: (N, P, D) float32, mask (N, P), kinds (N, P), P at most `most`."""
        count = np.bincount(self.items, minlength=self.item_count)
        width = int(min(most, count.max(initial=0)))
        # A vector's place within its item: its row less the row at which the item begins.
        place = np.arange(len(self.items)) - (np.cumsum(count) - count)[self.items]
        kept = place < width
        at = self.items[kept], place[kept]
        vectors = np.zeros((self.item_count, width, self.dim), np.float32)
        mask = np.zeros((self.item_count, width), np.bool_)
        kinds = np.zeros((self.item_count, width), np.int32)
        vectors[at], mask[at], kinds[at] = self.vectors[kept], True, self.kinds[kept]
        return vectors, mask, kinds

    def _rows(self, kept: Flags) -> Self:
        return type(self)(self.item_count, self.vectors[kept], self.items[kept], self.kinds[kept], self.kind_names)
