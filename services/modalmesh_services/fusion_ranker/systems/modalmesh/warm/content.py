"""What an item says and shows, in the few numbers an item that the warm ranker compares."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from modalmesh.embeddings import normalise
from modalmesh_services.fusion_ranker.dataset import Catalogue, Tokens
from modalmesh_services.fusion_ranker.dataset.arrays import YEAR_MS, Flags, Floats, Indexes, SparseRows
from modalmesh_services.fusion_ranker.dataset.catalogue import NO_TIME

_TEXT_AXES, _IMAGE_AXES, _SIDE_AXES = 128, 64, 64
_SIDE_TEXT_WEIGHT = 1.5
_DECADES = 12
_SHARED_BY = 3
_FEW_VALUES = 64
"""An attribute of so many values sorts items into kinds, as genres do; one of more names what few share, as a cast."""


@dataclass(frozen=True, slots=True, eq=False)
class Axes:
    """Principal axes: a vector less `mean` (D,), times `directions` (D, d)."""

    mean: Floats
    directions: Floats

    @classmethod
    def of(cls, tokens: Tokens, fit: Flags, count: int) -> "Axes":
        """Of those of the items `fit` (N,) bool that have vectors."""
        vectors, present = tokens.pooled()
        known = vectors[present & fit].astype(np.float64)
        if not len(known):
            return cls(np.zeros(tokens.dim, np.float32), np.zeros((tokens.dim, 0), np.float32))
        mean = known.mean(axis=0)
        _, directions = np.linalg.eigh((known - mean).T @ (known - mean))
        return cls(mean.astype(np.float32), np.ascontiguousarray(directions[:, ::-1][:, :count], np.float32))

    def project(self, tokens: Tokens) -> Floats:
        """(N, d): of length 1, zeros without a vector."""
        vectors, present = tokens.pooled()
        if not self.directions.shape[1]:
            return np.zeros((tokens.item_count, 0), np.float32)
        return normalise(np.where(present[:, None], (vectors - self.mean) @ self.directions, 0))


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Of an attribute: which of its columns count, (v,), and how much, (v,) inverse document frequencies."""

    columns: Indexes
    rarity: Floats

    @classmethod
    def of(cls, values: SparseRows, fit: Flags) -> "Values":
        """Of a bag (N, V), by the items `fit` (N,) bool: what several of them share."""
        frequency = np.asarray(values[fit].sum(axis=0))
        columns = np.flatnonzero(frequency >= _SHARED_BY).astype(np.int32)
        return cls(columns, np.log((1 + fit.sum()) / frequency[columns]).astype(np.float32))

    @property
    def are_kinds(self) -> bool:
        return len(self.columns) <= _FEW_VALUES


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """Of N items. `text` (N, <= 128), `image` (N, <= 64) and `kinds` (N, G) float32 have rows of length 1 or 0;
    `bags` by an attribute's name: (N, v) CSR float32, the products of rows are the weight of what two items share;
    `years` (N,) float32 is an item's time, the median where it has none.
    """

    text: Floats
    image: Floats
    kinds: Floats
    bags: Mapping[str, SparseRows]
    years: Floats
    measures: "Measures"

    @classmethod
    def of(cls, catalogue: Catalogue, fit: Flags) -> "Content":
        """Axes and frequencies are those of the items `fit` (N,) bool."""
        return Measures.of(catalogue, fit).content(catalogue)

    def side_rows(self) -> Floats:
        """(N, C): content as further rows of an item-item model."""
        text = _SIDE_TEXT_WEIGHT * normalise(self.text[:, :_SIDE_AXES])
        return np.concatenate([text, self.kinds, self._decades()], axis=1)

    def _decades(self) -> Floats:
        """(N, 12): the last eleven decades, and all before."""
        decade = np.floor(self.years / 10)
        places = np.clip(decade - decade.max(initial=0) + _DECADES - 1, 0, _DECADES - 1).astype(np.int64)
        return np.asarray(np.eye(_DECADES, dtype=np.float32)[places])


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """How content is measured, by a catalogue and what was learned from it; `values` by an attribute's name."""

    text: Axes
    image: Axes
    values: Mapping[str, Values]

    @classmethod
    def of(cls, catalogue: Catalogue, fit: Flags) -> "Measures":
        """Of the items `fit` (N,) bool. Quantities are no values."""
        attributes = catalogue.attributes
        names = [name for name in attributes.names if name not in attributes.quantities]
        found = {name: Values.of(attributes.of_name(name), fit) for name in names}
        return cls(
            Axes.of(catalogue.text, fit, _TEXT_AXES),
            Axes.of(catalogue.image, fit, _IMAGE_AXES),
            {name: own for name, own in found.items() if len(own.columns)},
        )

    def content(self, catalogue: Catalogue) -> Content:
        """Of a catalogue that may since have lost texts, pictures or attributes."""
        kinds, bags = [np.zeros((len(catalogue), 0), np.float32)], {}
        for name, own in self.values.items():
            values = catalogue.attributes.of_name(name)[:, own.columns]
            if own.are_kinds:
                kinds.append(np.asarray(values.multiply(own.rarity).toarray(), np.float32))
            else:
                bags[name] = values.multiply(np.sqrt(own.rarity)).tocsr()
        text, image = self.text.project(catalogue.text), self.image.project(catalogue.image)
        return Content(text, image, normalise(np.concatenate(kinds, axis=1)), bags, _years(catalogue), self)


def _years(catalogue: Catalogue) -> Floats:
    known = catalogue.times_ms != NO_TIME
    years = np.where(known, catalogue.times_ms / YEAR_MS, 0)
    return np.where(known, years, np.median(years[known]) if known.any() else 0).astype(np.float32)
