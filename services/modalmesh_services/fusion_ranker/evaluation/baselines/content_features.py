"""Each kind of content as rows whose products are similarities; an item without it is like nothing."""

from collections.abc import Collection

import numpy as np
from scipy import sparse

from modalmesh_services.fusion_ranker.dataset import Catalogue, Tokens
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, SparseRows
from modalmesh_services.fusion_ranker.dataset.catalogue import NO_TIME

FEATURES = 1
"""Raised when a kind's similarity comes to be another."""

TEXT, IMAGE, ATTRIBUTES, TIME = "text", "image", "attributes", "time"
_YEAR_MS = 365.25 * 86_400_000
_KNOTS_YEARS = 3.0
_MOST_VALUES = 2000
"""Of an attribute the most frequent values count: rows are dense, and rare values join few items."""


def features(catalogue: Catalogue, fit: Flags, kinds: Collection[str]) -> dict[str, Floats]:
    """(N, d) float32 by kind; means and frequencies are those of the items `fit` (N,) bool.

    `text` and `image` are mean vectors, `text.title` one field, `attributes.genres` one attribute, `time` the item's.
    """
    return {kind: _features(catalogue, fit, kind) for kind in kinds}


def _features(catalogue: Catalogue, fit: Flags, kind: str) -> Floats:
    modality, _, part = kind.partition(".")
    if modality == TEXT:
        return centred(catalogue.text.of_kind(part) if part else catalogue.text, fit)
    if modality == IMAGE:
        return centred(catalogue.image, fit)
    if modality == ATTRIBUTES:
        return rare_values(catalogue.attributes.of_name(part) if part else catalogue.attributes.values, fit)
    return near_times(np.where(catalogue.times_ms == NO_TIME, np.nan, catalogue.times_ms / _YEAR_MS))


def centred(tokens: Tokens, fit: Flags) -> Floats:
    """Unit vectors about the mean of those that `fit` has: what all items share says nothing."""
    vectors, present = tokens.pooled()
    known = present & fit
    if not known.any():
        return np.zeros((len(vectors), 1), np.float32)
    return _unit(np.where(present[:, None], vectors - vectors[known].mean(axis=0), 0))


def rare_values(values: SparseRows, fit: Flags) -> Floats:
    """Unit vectors of the values an item has, the rarer the heavier (inverse document frequency)."""
    frequency = np.asarray(values[fit].sum(axis=0))
    kept = np.sort(np.argsort(-frequency, kind="stable")[: min(_MOST_VALUES, np.count_nonzero(frequency))])
    weights = np.log((1 + fit.sum()) / frequency[kept]).astype(np.float32)
    return _unit(np.asarray((values[:, kept] @ sparse.diags_array(weights)).toarray()))


def near_times(years: Floats) -> Floats:
    """Unit vectors of bumps along the years, so that their product falls with the distance."""
    known = ~np.isnan(years)
    if not known.any():
        return np.zeros((len(years), 1), np.float32)
    knots = np.arange(years[known].min(), years[known].max() + _KNOTS_YEARS, _KNOTS_YEARS)
    bumps = np.exp(-(((np.nan_to_num(years)[:, None] - knots) / (2 * _KNOTS_YEARS)) ** 2))
    return _unit(np.where(known[:, None], bumps, 0))


def _unit(vectors: Floats) -> Floats:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), np.float32)
