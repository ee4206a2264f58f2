"""Each kind of content as rows whose products are similarities; an item without it is like nothing.

But for pictures: who lacks one is often who is liked by few, and a score must not read that off a catalogue's gaps. So
an item without a picture counts as one with a usual picture; see `lacking` and its users.
"""

from typing import Any, TypeAlias

import numpy as np
from scipy import sparse

from modalmesh.embeddings import normalise
from modalmesh_services.fusion_ranker.dataset import Catalogue, Tokens
from modalmesh_services.fusion_ranker.dataset.arrays import YEAR_MS, Flags, Floats, SparseRows
from modalmesh_services.fusion_ranker.dataset.catalogue import NO_TIME

TEXT, IMAGE, ATTRIBUTES, QUANTITIES, TIME = "text", "image", "attributes", "quantities", "time"

Rows: TypeAlias = Floats | SparseRows
"""(N, d) float32, dense or CSR."""

_KNOTS_YEARS = 3.0
_KNOTS_SPREAD = 0.5
"""A number's neighbourhood, in standard deviations."""


def kinds_of(catalogue: Catalogue) -> tuple[str, ...]:
    """All that can be compared: each text field, pictures, each attribute, the time."""
    attributes = catalogue.attributes
    return (
        *(f"{TEXT}.{name}" for name in catalogue.text.kind_names),
        IMAGE,
        *(f"{ATTRIBUTES}.{name}" for name in attributes.names if name not in attributes.quantities),
        *(f"{QUANTITIES}.{name}" for name in attributes.quantities),
        TIME,
    )


def features(catalogue: Catalogue, fit: Flags, kind: str) -> Rows:
    """Unit rows, or rows of zeros; means and frequencies are those of the items `fit` (N,) bool.

    `text` and `image` are mean vectors, `text.title` one field, `attributes.genres` one attribute, `quantities.price`
    one that is a number, `time` the item's.
    """
    modality, _, part = kind.partition(".")
    if modality == TEXT:
        return centred(catalogue.text.of_kind(part) if part else catalogue.text, fit)
    if modality == IMAGE:
        return centred(catalogue.image, fit)
    if modality == ATTRIBUTES:
        return rare_values(catalogue.attributes.of_name(part) if part else catalogue.attributes.values, fit)
    if modality == QUANTITIES:
        numbers = catalogue.attributes.quantities[part]
        return near(numbers, max(_KNOTS_SPREAD * float(np.nanstd(numbers)), 1e-6))
    years = np.where(catalogue.times_ms == NO_TIME, np.nan, catalogue.times_ms / YEAR_MS)
    return near(years.astype(np.float32), _KNOTS_YEARS)


def lacking(catalogue: Catalogue, kind: str) -> Flags:
    """(N,) bool: items whose lack of this kind of content is to say nothing."""
    return ~catalogue.image.present() if kind == IMAGE else np.zeros(len(catalogue), np.bool_)


def similarities(one: Rows, other: Rows) -> Floats:
    """(R, C) float32 cosines of unit rows (R, d) and (C, d); what differs counts 0."""
    product: Any = one @ other.T
    if sparse.issparse(product):
        product = product.toarray()
    return np.asarray(np.maximum(product, 0, out=product), np.float32)


def raised(similar: Floats, power: int) -> Floats:
    """As `similar ** power`, many times faster: numpy has no fast power of float32."""
    found = similar
    for _ in range(power - 1):
        found = found * similar
    return found


def centred(tokens: Tokens, fit: Flags) -> Floats:
    """Unit vectors about the mean of those that `fit` has: what all items share says nothing."""
    vectors, present = tokens.pooled()
    known = present & fit
    if not known.any():
        return np.zeros((len(vectors), 1), np.float32)
    return normalise(np.where(present[:, None], vectors - vectors[known].mean(axis=0), 0))


def rare_values(values: SparseRows, fit: Flags) -> SparseRows:
    """Unit vectors of the values an item has, the rarer the heavier (inverse document frequency)."""
    frequency = np.asarray(values[fit].sum(axis=0))
    known = np.flatnonzero(frequency)
    weights = np.log((1 + fit.sum()) / frequency[known]).astype(np.float32)
    weighted = values[:, known] @ sparse.diags_array(weights)
    norms = np.sqrt(np.asarray((weighted**2).sum(axis=1)))
    return sparse.csr_array(sparse.diags_array(1 / np.where(norms > 0, norms, np.float32(1))) @ weighted)


def near(numbers: Floats, width: float) -> Floats:
    """Unit vectors of bumps along the numbers (N,), so that their product falls with the distance in widths."""
    known = ~np.isnan(numbers)
    if not known.any():
        return np.zeros((len(numbers), 1), np.float32)
    knots = np.arange(numbers[known].min(), numbers[known].max() + width, width)
    bumps = np.exp(-(((np.nan_to_num(numbers)[:, None] - knots) / (2 * width)) ** 2))
    return normalise(np.where(known[:, None], bumps, 0).astype(np.float32))
