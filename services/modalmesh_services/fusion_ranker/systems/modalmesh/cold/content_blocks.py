"""Content as numbers: principal axes of texts and pictures, attributes' values, numbers as weights of quantiles.

Learned from the trainable items' content alone; who liked what plays no part here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes, SparseRows
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content import IMAGE, TIME, Content, Vectors

LEAST_ITEMS = 3
"""A value that fewer trainable items have says nothing of another item: identifiers fall out by this."""

MOST_COLUMNS = 4096
"""Values of all attributes together that get a column, the most frequent ones; the ridge's time grows by the cube."""

AXES: Mapping[str, int] = MappingProxyType({"title": 160, "description": 256, "tags": 128, IMAGE: 128})
_AXES = 64

_TIME_KNOTS, _NUMBER_KNOTS = 24, 10


@dataclass(frozen=True, slots=True, eq=False)
class DenseBlock:
    """`mean` (D,), `axes` (D, k) float32: the first principal axes, divided by the root mean squared length."""

    mean: Floats
    axes: Floats

    @classmethod
    def fit(cls, vectors: Vectors, rows: Flags, axes: int) -> "DenseBlock | None":
        """Of the items of `rows` (N,) bool; None where fewer than two have a vector."""
        known = vectors.values[rows & vectors.present]
        if len(known) < LEAST_ITEMS:
            return None
        mean = known.mean(axis=0)
        centred = known - mean
        variances, directions = np.linalg.eigh(np.asarray(centred.T @ centred / len(known), np.float64))
        kept = np.flatnonzero(variances > 1e-9 * max(float(variances[-1]), 1e-30))[::-1][: min(axes, len(known) - 1)]
        if not len(kept):
            return None
        length = np.sqrt(variances[kept].sum())
        return cls(mean.astype(np.float32), (directions[:, kept] / length).astype(np.float32))

    def transform(self, vectors: Vectors) -> Floats:
        """(N, k) float32 of a root mean squared length of 1; zeros where there is no vector."""
        if vectors.values.shape[1] != len(self.mean):
            return np.zeros((len(vectors.present), self.axes.shape[1]), np.float32)
        rows = np.asarray((vectors.values - self.mean) @ self.axes, np.float32)
        rows[~vectors.present] = 0
        return rows


@dataclass(frozen=True, slots=True, eq=False)
class Bag:
    """`columns` (v,) int32 of an attribute's values; `rarity` (v,) float32: inverse document frequencies."""

    columns: Indexes
    rarity: Floats

    @classmethod
    def fit(cls, values: SparseRows, rows: Flags, least: int) -> "Bag | None":
        """Values that at least `least` trainable items have; None where there is none, or all items have it."""
        counts = np.asarray(values[rows].sum(axis=0))
        columns = np.flatnonzero((counts >= least) & (counts < rows.sum()))
        if not len(columns):
            return None
        return cls(columns.astype(np.int32), np.log((1 + rows.sum()) / counts[columns]).astype(np.float32))

    def transform(self, values: SparseRows) -> SparseRows:
        """(N, v) CSR of 0 and 1."""
        return values[:, self.columns]


@dataclass(frozen=True, slots=True, eq=False)
class Hats:
    """Weights of linear interpolation between `knots` (k,) float32, quantiles of a number; absent is the `median`."""

    knots: Floats
    median: float

    @classmethod
    def fit(cls, numbers: Floats, rows: Flags, knots: int) -> "Hats | None":
        known = numbers[rows & np.isfinite(numbers)]
        places = np.unique(np.quantile(known, np.linspace(0, 1, knots))) if len(known) else np.zeros(0)
        return cls(places.astype(np.float32), float(np.median(known))) if len(places) > 1 else None

    def filled(self, numbers: Floats) -> Floats:
        """(N,) float32: without gaps, and no farther out than what was seen."""
        known = np.where(np.isfinite(numbers), numbers, self.median)
        return np.clip(known, self.knots[0], self.knots[-1]).astype(np.float32)

    def transform(self, numbers: Floats) -> Floats:
        """(N, k) float32, two neighbours of a row adding up to 1."""
        known = self.filled(numbers)
        right = np.clip(np.searchsorted(self.knots, known), 1, len(self.knots) - 1)
        share = (known - self.knots[right - 1]) / (self.knots[right] - self.knots[right - 1])
        weights = np.zeros((len(known), len(self.knots)), np.float32)
        at = np.arange(len(known))
        weights[at, right - 1], weights[at, right] = 1 - share, share
        return weights


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """N items as numbers. `dense` by text field and IMAGE (N, k), where `present` (N,) bool says who has one; `bags`
    (N, v) CSR by attribute; of each number `hats` (N, k) and the `numbers` (N,) themselves, without gaps.
    """

    dense: Mapping[str, Floats]
    bags: Mapping[str, SparseRows]
    hats: Mapping[str, Floats]
    numbers: Mapping[str, Floats]
    present: Mapping[str, Flags]

    def __len__(self) -> int:
        return len(self.present[IMAGE])


@dataclass(frozen=True, slots=True, eq=False)
class ContentBlocks:
    """What content is as numbers, by the names of text fields, IMAGE, attributes and numbers."""

    dense: Mapping[str, DenseBlock]
    bags: Mapping[str, Bag]
    hats: Mapping[str, Hats]

    @classmethod
    def fit(cls, content: Content, rows: Flags) -> "ContentBlocks":
        """`rows` (N,) bool: the trainable items."""
        vectors = {**content.texts, IMAGE: content.image}
        dense = {name: DenseBlock.fit(own, rows, AXES.get(name, _AXES)) for name, own in vectors.items()}
        least = _least_items(content, rows)
        bags = {name: Bag.fit(own, rows, least) for name, own in content.bags.items()}
        hats = {
            name: Hats.fit(own, rows, _TIME_KNOTS if name == TIME else _NUMBER_KNOTS)
            for name, own in content.numbers.items()
        }
        return cls(
            {name: block for name, block in dense.items() if block},
            {name: bag for name, bag in bags.items() if bag},
            {name: own for name, own in hats.items() if own},
        )

    def transform(self, content: Content) -> Encoded:
        vectors = {**content.texts, IMAGE: content.image}
        dense = {name: block.transform(vectors[name]) for name, block in self.dense.items()}
        return Encoded(
            dense,
            {name: bag.transform(content.bags[name]) for name, bag in self.bags.items()},
            {name: own.transform(content.numbers[name]) for name, own in self.hats.items()},
            {name: own.filled(content.numbers[name]) for name, own in self.hats.items()},
            {name: own.present for name, own in vectors.items()},
        )


def _least_items(content: Content, rows: Flags) -> int:
    """LEAST_ITEMS, or more where too many values are as frequent."""
    counts = [np.asarray(own[rows].sum(axis=0)) for own in content.bags.values()]
    frequent = np.sort(np.concatenate([np.zeros(0), *counts]))[::-1]
    return LEAST_ITEMS if len(frequent) <= MOST_COLUMNS else max(LEAST_ITEMS, int(frequent[MOST_COLUMNS]) + 1)
