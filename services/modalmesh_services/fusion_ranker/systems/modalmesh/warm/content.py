"""What an item says and shows, in the few numbers an item that the warm ranker compares."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from modalmesh.embeddings import normalise
from modalmesh_services.fusion_ranker.dataset import Attributes, Catalogue, Tokens
from modalmesh_services.fusion_ranker.dataset.arrays import YEAR_MS, Flags, Floats, SparseRows
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
    text_axes: Axes
    image_axes: Axes

    @classmethod
    def of(cls, catalogue: Catalogue, fit: Flags) -> "Content":
        """Axes and frequencies are those of the items `fit` (N,) bool."""
        text_axes = Axes.of(catalogue.text, fit, _TEXT_AXES)
        image_axes = Axes.of(catalogue.image, fit, _IMAGE_AXES)
        kinds, bags = _attributes(catalogue.attributes, fit)
        text, image = text_axes.project(catalogue.text), image_axes.project(catalogue.image)
        return cls(text, image, kinds, bags, _years(catalogue), text_axes, image_axes)

    def served(self, catalogue: Catalogue, fit: Flags) -> "Content":
        """The same measures of a catalogue that has since lost texts or pictures."""
        text, image = self.text_axes.project(catalogue.text), self.image_axes.project(catalogue.image)
        kinds, bags = _attributes(catalogue.attributes, fit)
        return replace(self, text=text, image=image, kinds=kinds, bags=bags, years=_years(catalogue))

    def side_rows(self) -> Floats:
        """(N, C): content as further rows of an item-item model."""
        text = _SIDE_TEXT_WEIGHT * normalise(self.text[:, :_SIDE_AXES])
        return np.concatenate([text, self.kinds, self._decades()], axis=1)

    def _decades(self) -> Floats:
        """(N, 12): the last eleven decades, and all before."""
        decade = np.floor(self.years / 10)
        places = np.clip(decade - decade.max(initial=0) + _DECADES - 1, 0, _DECADES - 1).astype(np.int64)
        return np.asarray(np.eye(_DECADES, dtype=np.float32)[places])


def _years(catalogue: Catalogue) -> Floats:
    known = catalogue.times_ms != NO_TIME
    years = np.where(known, catalogue.times_ms / YEAR_MS, 0)
    return np.where(known, years, np.median(years[known]) if known.any() else 0).astype(np.float32)


def _attributes(attributes: Attributes, fit: Flags) -> tuple[Floats, dict[str, SparseRows]]:
    """Kinds (N, G), and bags; quantities are neither."""
    kinds, bags = [np.zeros((len(fit), 0), np.float32)], {}
    for name in attributes.names:
        values = attributes.of_name(name)
        values = values[:, np.asarray(values[fit].sum(axis=0)) >= _SHARED_BY]
        if name in attributes.quantities or not values.shape[1]:
            continue
        frequency = np.asarray(values[fit].sum(axis=0))
        idf = np.log((1 + fit.sum()) / frequency).astype(np.float32)
        if values.shape[1] <= _FEW_VALUES:
            kinds.append(np.asarray(values.multiply(idf).toarray(), np.float32))
        else:
            bags[name] = values.multiply(np.sqrt(idf)).tocsr()
    return normalise(np.concatenate(kinds, axis=1)), bags
