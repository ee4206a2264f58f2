"""Token vectors by item id, as a running mesh gives them out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from modalmesh.embeddings import Dtype, ModelId
from modalmesh.errors import InvalidInput, ModelMismatch
from modalmesh.item_embeddings import ItemEmbeddings
from modalmesh_services.fusion_ranker.dataset.arrays import Indexes
from modalmesh_services.fusion_ranker.dataset.tokens import Tokens

_UNKNOWN = ModelId()


class EmbeddingSource(Protocol):
    """What is needed of modalmesh.Client."""

    def get_embeddings(self, *, dtype: Dtype = ..., timeout: float | None = ...) -> Iterator[ItemEmbeddings]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """Vectors of both modalities, rows of `item_ids`; which models made them."""

    item_ids: tuple[str, ...]
    text: Tokens
    image: Tokens
    text_model: ModelId = _UNKNOWN
    image_model: ModelId = _UNKNOWN

    @classmethod
    def read(cls, source: EmbeddingSource) -> Self:
        """Everything that a mesh has.

        Raises:
            ModelMismatch: vectors of two models of one modality came: an encoder was replaced meanwhile.
        """
        items = list(source.get_embeddings(dtype=Dtype.F32))
        return cls(
            tuple(item.item_id for item in items),
            Tokens.collect((item.text, item.text_fields) for item in items),
            Tokens.collect((item.image, item.image_kinds) for item in items),
            _one_model("text", [item.text_model for item in items if len(item.text)]),
            _one_model("image", [item.image_model for item in items if len(item.image)]),
        )

    def of_items(self, item_ids: Sequence[str]) -> tuple[Tokens, Tokens]:
        """Text and image vectors, rows of `item_ids`; an item that has none lacks both.

        Raises:
            InvalidInput: none of the items is known here: these are vectors of another catalogue.
        """
        row = {item_id: place for place, item_id in enumerate(self.item_ids)}
        source = np.array([row.get(item_id, -1) for item_id in item_ids], np.int32)
        if len(item_ids) and (source < 0).all():
            raise InvalidInput("embeddings", "are of no item of this catalogue", reason="OTHER_CATALOGUE")
        return _reordered(self.text, source), _reordered(self.image, source)


def _one_model(modality: str, models: Sequence[ModelId]) -> ModelId:
    found = sorted({model.fingerprint for model in models})
    if len(found) > 1:
        raise ModelMismatch(f"{modality} vectors of {len(found)} models came ({', '.join(found)}): try again")
    return models[0] if models else ModelId()


def _reordered(tokens: Tokens, source: Indexes) -> Tokens:
    """`source` (N,) int32: which item of `tokens` becomes row i; -1: none."""
    starts = np.searchsorted(tokens.items, np.arange(tokens.item_count + 1))
    known = source >= 0
    first, count = starts[source], np.where(known, starts[source + 1] - starts[source], 0)
    items = np.repeat(np.arange(len(source), dtype=np.int32), count)
    place = np.arange(len(items)) - np.repeat(np.cumsum(count) - count, count)
    rows = np.repeat(first, count) + place
    return Tokens(len(source), tokens.vectors[rows], items, tokens.kinds[rows], tokens.kind_names)
