"""What is known of items beside who liked them: the same arrays of a catalogue in training and of a request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from modalmesh_services.fusion_ranker.dataset import Catalogue, Tokens
from modalmesh_services.fusion_ranker.dataset.arrays import YEAR_MS, Flags, Floats, SparseRows
from modalmesh_services.fusion_ranker.dataset.catalogue import NO_TIME, TAGS, tag_values
from modalmesh_services.fusion_ranker.requests import FuseRequest, ItemTokens

TIME = "@time"
"""The number of years at which an item came out, beside attributes that are numbers."""

IMAGE = "image"
_EPOCH = 1970.0


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """`values` (N, D) float32, zeros where an item has none; `present` (N,) bool."""

    values: Floats
    present: Flags


@dataclass(frozen=True, slots=True)
class Schema:
    """Names that content is known by: text fields, attributes' values in the order of their columns, and numbers."""

    texts: tuple[str, ...]
    bags: Mapping[str, tuple[str, ...]]
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """N items. `texts` by field; `bags` by attribute: (N, v) CSR of 0 and 1; `numbers` (N,) float32, NaN if absent."""

    texts: Mapping[str, Vectors]
    image: Vectors
    bags: Mapping[str, SparseRows]
    numbers: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.image.present)


def schema_of(catalogue: Catalogue) -> Schema:
    """An attribute of numbers is a number alone."""
    attributes = catalogue.attributes
    names = [name for name in attributes.names if name not in attributes.quantities]
    bags = {name: tuple(value for own, value in attributes.vocabulary if own == name) for name in names}
    return Schema(tuple(sorted(catalogue.text.kind_names)), bags, (TIME, *sorted(attributes.quantities)))


def content_of(catalogue: Catalogue, schema: Schema) -> Content:
    """Of a catalogue that the schema is of, or of what is left of it."""
    attributes = catalogue.attributes
    nan = np.full(len(catalogue), np.nan, np.float32)
    bags = {name: attributes.of_name(name) for name in schema.bags}
    # Attributes that are lost as a whole, as tags may be in serving.
    bags |= {
        name: sparse.csr_array((len(catalogue), len(values)), dtype=np.float32)
        for name, values in schema.bags.items()
        if bags[name].shape[1] != len(values)
    }
    numbers = {name: attributes.quantities.get(name, nan) for name in schema.numbers}
    numbers[TIME] = years(np.where(catalogue.times_ms == NO_TIME, np.nan, catalogue.times_ms))
    texts = {name: Vectors(*catalogue.text.of_kind(name).pooled()) for name in schema.texts}
    return Content(texts, Vectors(*catalogue.image.pooled()), bags, numbers)


def content_of_request(request: FuseRequest, schema: Schema) -> Content:
    """Of items that come one by one; values that the schema doesn't have say nothing."""
    items = request.items
    text = _tokens(request.text.values, [[(token.field, token.row) for token in item.texts] for item in items])
    image = _tokens(request.image.values, [[(IMAGE, token.row) for token in item.images] for item in items])
    numbers = {name: np.array([_number(item, name) for item in items], np.float32) for name in schema.numbers}
    times = [np.nan if item.time_ms is None else item.time_ms for item in items]
    numbers[TIME] = years(np.array(times, np.float64))
    bags = {name: _bag(items, name, values) for name, values in schema.bags.items()}
    texts = {name: Vectors(*text.of_kind(name).pooled()) for name in schema.texts}
    return Content(texts, Vectors(*image.pooled()), bags, numbers)


def years(times_ms: np.typing.NDArray[np.float64]) -> Floats:
    """Unix milliseconds to years of our era, NaN stays."""
    return (_EPOCH + times_ms / YEAR_MS).astype(np.float32)


def _tokens(values: Floats, items: Sequence[Sequence[tuple[str, int]]]) -> Tokens:
    if not any(items):
        return Tokens.empty(len(items), values.shape[1])
    return Tokens.collect((values[[row for _, row in own]], [kind for kind, _ in own]) for own in items)


def _bag(items: Sequence[ItemTokens], name: str, values: Sequence[str]) -> SparseRows:
    column = {value: place for place, value in enumerate(values)}
    named = [(item.attributes or {}).get(name, ()) for item in items]
    if name == TAGS:
        named = [tag_values(own) for own in named]
    owned = [sorted({column[value] for value in own if value in column}) for own in named]
    starts = np.cumsum([0, *map(len, owned)])
    columns = np.array([place for own in owned for place in own], np.int32)
    return sparse.csr_array((np.ones(len(columns), np.float32), columns, starts), shape=(len(items), len(values)))


def _number(item: ItemTokens, name: str) -> float:
    values = (item.attributes or {}).get(name, ())
    try:
        number = float(values[0]) if len(values) == 1 else np.nan
    except ValueError:
        number = np.nan
    return number if np.isfinite(number) else np.nan
