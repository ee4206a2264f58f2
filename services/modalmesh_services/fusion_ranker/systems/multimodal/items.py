"""A catalogue's items as a network takes them, and the layout that says which of its numbers mean what."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from modalmesh.errors import InvalidInput
from modalmesh_services.fusion_ranker.dataset import Catalogue
from modalmesh_services.fusion_ranker.dataset import Tokens as CatalogueTokens
from modalmesh_services.fusion_ranker.dataset.arrays import Flags
from modalmesh_services.fusion_ranker.dataset.catalogue import TAGS
from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens
from modalmesh_services.fusion_ranker.systems.multimodal.configuration import Configuration

ATTRIBUTES = "attributes"
_MOST_TEXTS = 8
_MOST_PICTURES = 4
MOST_VALUES = 16
"""Values of one attribute of an item; more are left out."""


@dataclass(frozen=True, slots=True)
class Layout:
    """`dims` by modality of vectors: (name, size, most tokens an item), of those that the data have.

    `values` are the attributes learned, as (name, value): the i-th is called i + 1. `fields` are their names.
    """

    dims: tuple[tuple[str, int, int], ...]
    values: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, configuration: Configuration, catalogue: Catalogue, trainable: Flags) -> Self:
        """Raises:
        InvalidInput: the catalogue has none of the configured modalities.
        """
        named = configuration.modalities
        most = {"text": _MOST_TEXTS, "image": _MOST_PICTURES, "frames": configuration.frames.most}
        found = {name: catalogue_tokens(catalogue, name).without_items(~trainable) for name in most if name in named}
        dims = tuple((name, part.dim, most[name]) for name, part in found.items() if len(part.vectors))
        values = _shared_values(catalogue, trainable, configuration.attributes.shared_by) if ATTRIBUTES in named else ()
        if not dims and not values:
            raise InvalidInput("modalities", f"no item has any of {', '.join(named)}", reason="NO_MODALITY")
        return cls(dims, values)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        return cls(
            tuple((str(name), int(size), int(most)) for name, size, most in kept["dims"]),
            tuple((str(name), str(value)) for name, value in kept["values"]),
        )

    def as_json(self) -> Mapping[str, Any]:
        return {"dims": [list(each) for each in self.dims], "values": [list(each) for each in self.values]}

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name, _ in self.values))

    @property
    def modalities(self) -> tuple[str, ...]:
        names = tuple(name for name, _, _ in self.dims)
        return (*names, ATTRIBUTES) if self.values else names


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """N items. `tokens` by modality (N, T, its size) float32; `attributes` (N, F, A) int64, 0 where there is none."""

    tokens: Mapping[str, Tokens]
    attributes: Tensor

    @classmethod
    def of(cls, catalogue: Catalogue, layout: Layout) -> Self:
        tokens = {}
        for name, size, most in layout.dims:
            part = catalogue_tokens(catalogue, name)
            # Where nothing of a modality is left, the vectors' size isn't known any more.
            part = part if len(part.vectors) else CatalogueTokens.empty(len(catalogue), size)
            vectors, mask, _ = part.padded(most)
            tokens[name] = Tokens(torch.from_numpy(vectors), torch.from_numpy(mask))
        return cls(tokens, torch.from_numpy(_attribute_ids(catalogue, layout)))

    def __len__(self) -> int:
        return len(self.attributes)

    def __getitem__(self, rows: Tensor | slice) -> Self:
        tokens = {name: Tokens(part.values[rows], part.mask[rows]) for name, part in self.tokens.items()}
        return type(self)(tokens, self.attributes[rows])

    def to(self, device: torch.device) -> Self:
        return self.changed(lambda tensor: tensor.to(device))

    def changed(self, change: Callable[[Tensor], Tensor]) -> Self:
        """With each tensor changed, such as to be on another device."""
        tokens = {name: Tokens(change(part.values), change(part.mask)) for name, part in self.tokens.items()}
        return type(self)(tokens, change(self.attributes))


def catalogue_tokens(catalogue: Catalogue, name: str) -> CatalogueTokens:
    """Of the modality text, image or frames."""
    if name == "text":
        return catalogue.text
    return catalogue.image.of_kind("frame") if name == "frames" else catalogue.image.without_kind("frame")


def attribute_rows(items: Sequence[Mapping[str, Sequence[str]]], layout: Layout) -> np.ndarray[Any, Any]:
    """(N, F, A) int64 of what each item's attributes say."""
    number = {pair: place + 1 for place, pair in enumerate(layout.values)}
    ids = np.zeros((len(items), len(layout.fields), MOST_VALUES), np.int64)
    for row, item in enumerate(items):
        for place, name in enumerate(layout.fields):
            # In the vocabulary's order, so that the order in which an item lists them doesn't matter.
            known = sorted({number[name, value] for value in item.get(name, ()) if (name, value) in number})
            ids[row, place, : len(known[:MOST_VALUES])] = known[:MOST_VALUES]
    return ids


def _attribute_ids(catalogue: Catalogue, layout: Layout) -> np.ndarray[Any, Any]:
    values = catalogue.attributes.values.tocsr()
    items: list[dict[str, list[str]]] = [{} for _ in range(len(catalogue))]
    learned = set(layout.values)
    for row, item in enumerate(items):
        for column in values.indices[values.indptr[row] : values.indptr[row + 1]]:
            name, value = catalogue.attributes.vocabulary[column]
            if (name, value) in learned:
                item.setdefault(name, []).append(value)
    return attribute_rows(items, layout)


def _shared_values(catalogue: Catalogue, trainable: Flags, shared_by: int) -> tuple[tuple[str, str], ...]:
    """Values that so many trainable items have. Tags are a text field, and numbers are no values."""
    attributes = catalogue.attributes
    counts = np.asarray(attributes.values[np.flatnonzero(trainable)].sum(axis=0)).ravel()
    return tuple(
        (name, value)
        for (name, value), count in zip(attributes.vocabulary, counts, strict=True)
        if count >= shared_by and name != TAGS and name not in attributes.quantities
    )
