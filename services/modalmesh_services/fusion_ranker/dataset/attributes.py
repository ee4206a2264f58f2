"""Sparse attributes: which item has which value, such as genres=Comedy."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import sparse

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, SparseRows

_SHARED_BY = 2
"""A value that a single item has, such as an id, says nothing of another."""


@dataclass(frozen=True, slots=True, eq=False)
class Attributes:
    """`values` (N, V) float32 CSR of 0 and 1; column j is `vocabulary[j]`, a name and a value, sorted.

    `quantities` by name: (N,) float32, NaN where absent, of attributes that are numbers.
    """

    values: SparseRows
    vocabulary: tuple[tuple[str, str], ...]
    quantities: Mapping[str, Floats]

    @classmethod
    def collect(cls, items: Sequence[Mapping[str, Sequence[str]]]) -> Self:
        """From each item's attributes, in item order."""
        pairs = [{(name, value) for name, values in item.items() for value in values} for item in items]
        counts = Counter(pair for item in pairs for pair in item)
        vocabulary = tuple(sorted(pair for pair, count in counts.items() if count >= _SHARED_BY))
        column = {pair: place for place, pair in enumerate(vocabulary)}
        cells = [(row, column[pair]) for row, item in enumerate(pairs) for pair in item if pair in column]
        rows, columns = np.array(cells, np.int32).reshape(-1, 2).T
        shape = (len(items), len(vocabulary))
        values = sparse.csr_array((np.ones(len(cells), np.float32), (rows, columns)), shape=shape)
        names = sorted({name for name, _ in counts})
        quantities = {name: numbers for name in names if (numbers := _numbers(items, name)) is not None}
        return cls(values, vocabulary, quantities)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name, _ in self.vocabulary))

    def of_name(self, name: str) -> SparseRows:
        """(N, v) CSR: the columns of one attribute."""
        return self.values[:, [place for place, (own, _) in enumerate(self.vocabulary) if own == name]]

    def of_item(self, row: int) -> Mapping[str, Sequence[str]]:
        """One item's values by attribute; what no other item has isn't known but of a number."""
        columns = self.values.indices[self.values.indptr[row] : self.values.indptr[row + 1]]
        found: dict[str, list[str]] = {}
        for name, value in (self.vocabulary[column] for column in sorted(columns.tolist())):
            found.setdefault(name, []).append(value)
        for name, numbers in self.quantities.items():
            if name not in found and not np.isnan(numbers[row]):
                found[name] = [f"{numbers[row]:g}"]
        return found

    def without_name(self, name: str) -> Self:
        kept = [place for place, (own, _) in enumerate(self.vocabulary) if own != name]
        quantities = {own: numbers for own, numbers in self.quantities.items() if own != name}
        return type(self)(self.values[:, kept], tuple(self.vocabulary[place] for place in kept), quantities)

    def without_items(self, hidden: Flags, name: str | None = None) -> Self:
        """`hidden` (N,) bool: they have no values, of `name` alone where it is given."""
        of_name = np.array([name is None or own == name for own, _ in self.vocabulary], np.bool_)
        coordinates = self.values.tocoo()
        kept = ~(hidden[coordinates.row] & of_name[coordinates.col])
        cells = (coordinates.data[kept], (coordinates.row[kept], coordinates.col[kept]))
        quantities = {
            own: np.where(hidden & (name is None or own == name), np.float32(np.nan), numbers)
            for own, numbers in self.quantities.items()
        }
        return type(self)(sparse.csr_array(cells, shape=self.values.shape), self.vocabulary, quantities)


def _numbers(items: Sequence[Mapping[str, Sequence[str]]], name: str) -> Floats | None:
    """(N,) float32, or None where the attribute is no quantity: many values an item, words, or nearly unique: an id."""
    numbers = np.full(len(items), np.nan, np.float32)
    for row, item in enumerate(items):
        values = item.get(name, ())
        if len(values) > 1:
            return None
        if values:
            try:
                numbers[row] = float(values[0])
            except ValueError:
                return None
    known = numbers[~np.isnan(numbers)]
    return numbers if 1 < len(np.unique(known)) <= len(known) / 2 else None
