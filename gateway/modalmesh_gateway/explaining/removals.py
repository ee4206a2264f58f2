"""An item as it would be without a word of its text or a region of its picture. Knows no grpc and no protobuf."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import numpy as np

from modalmesh.embeddings import Embeddings, FloatMatrix
from modalmesh.types import RegionShare, WordShare
from modalmesh_gateway.explaining.pooling import Pooled
from modalmesh_gateway.explaining.regions import regions_of
from modalmesh_gateway.explaining.words import joined, words_of
from modalmesh_gateway.ports import Encoded, FuseInput
from modalmesh_gateway.store import TokenVectors

Share = TypeVar("Share", WordShare, RegionShare)

MOST_WORDS = 64
"""An item's words are named one by one up to so many; of a longer text, several in a row together."""


@dataclass(frozen=True, slots=True)
class TextSource:
    """A text field of the item, the row of its pooled vector, and what the encoder made of its parts."""

    field: str
    text: str
    row: int
    encoded: Encoded


@dataclass(frozen=True, slots=True)
class PictureSource:
    """A picture by its number in the request, the rows of its pooled vector, and what became of its parts."""

    picture: int
    rows: Sequence[int]
    encoded: Encoded


@dataclass(slots=True)
class Removals(Generic[Share]):
    """Words or regions of an item, of which nothing is known yet but their places, and for each the item without it.

    `fit`: the least of the inputs' fits, see Pooled; 0 where nothing was looked at.
    """

    shares: list[Share] = field(default_factory=list)
    without: list[FuseInput] = field(default_factory=list)
    fit: float = 0.0


def is_before_pooling(tokens: TokenVectors | None, encoded: Encoded) -> bool:
    """Whether the pooled vectors can be a mean of these parts: an encoder may put them through another layer."""
    return tokens is not None and encoded.values is not None and encoded.values.shape[1] == tokens.embeddings.dim


def without_words(item: FuseInput, sources: Sequence[TextSource]) -> Removals[WordShare]:
    """One removal a word, field by field."""
    removals: Removals[WordShare] = Removals()
    if item.text is None or not sources:
        return removals
    found = [(source, words_of(source.text, source.encoded.places)) for source in sources]
    together = 1
    while sum(-(-len(words) // together) for _, words in found) > max(MOST_WORDS, len(found)):
        together += 1
    removals.fit = 1.0
    for source, words in found:
        pooled = _pooled(item.text, source.row, source.encoded)
        removals.fit = min(removals.fit, pooled.fit)
        for word in joined(words, together):
            text = with_vector(item.text, [source.row], pooled.without(word.rows))
            said = source.text[word.start : word.end]
            removals.shares.append(WordShare(source.field, word.start, word.end, said, contribution=0.0, share=0.0))
            removals.without.append(replace(item, text=text))
    return removals


def without_regions(item: FuseInput, sources: Sequence[PictureSource]) -> Removals[RegionShare]:
    """One removal a region, picture by picture."""
    removals: Removals[RegionShare] = Removals()
    if item.image is None or not sources:
        return removals
    removals.fit = 1.0
    for source in sources:
        # Otherwise only what is painted over for real says anything.
        comparable = is_before_pooling(item.image, source.encoded)
        pooled = _pooled(item.image, source.rows[0], source.encoded)
        removals.fit = min(removals.fit, pooled.fit if comparable else 0.0)
        for region in regions_of(source.encoded.places):
            left = pooled.without(region.rows) if comparable else pooled.vector
            image = with_vector(item.image, source.rows, left)
            box = (region.left, region.top, region.right, region.bottom)
            removals.shares.append(RegionShare(source.picture, *box, contribution=0.0, share=0.0))
            removals.without.append(replace(item, image=image))
    return removals


def _pooled(tokens: TokenVectors, row: int, encoded: Encoded) -> Pooled:
    return Pooled(tokens.embeddings.values[row], _values(encoded))


def _values(encoded: Encoded) -> FloatMatrix:
    return np.zeros((0, 0), np.float32) if encoded.values is None else encoded.values


def with_vector(tokens: TokenVectors, rows: Sequence[int], vector: FloatMatrix | None) -> TokenVectors | None:
    """The tokens with another vector in these rows, or without these rows; None where nothing is left."""
    values = tokens.embeddings.values
    if vector is not None:
        changed = values.copy()
        changed[list(rows)] = vector
        return replace(tokens, embeddings=Embeddings(changed, tokens.embeddings.model))
    kept = [row for row in range(len(values)) if row not in rows]
    if not kept:
        return None
    return TokenVectors(
        Embeddings(values[kept], tokens.embeddings.model),
        tuple(_chosen(tokens.labels, kept)),
        tuple(_chosen(tokens.content_hashes, kept)),
    )


def _chosen(values: Sequence[str], rows: Sequence[int]) -> Iterator[str]:
    return (values[row] for row in rows)
