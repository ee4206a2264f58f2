"""What stands in for the texts or the pictures that an item lacks, in the ridge.

`mean` fills in the mean and says nothing: the default, for nothing did better on films. `both` regresses each absent
block on attributes and the other modality, and besides learns from the lack of a text itself, together with what else
is known (a gated token); where half of the texts were missing it did worse. `token` does the latter alone, without
gates. That an item lacks a picture is never a column: often only the popular ones have pictures,
and who is popular must not be read off a catalogue's gaps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content import IMAGE
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content_blocks import Encoded

CompletionKind = Literal["both", "token", "mean"]

_PENALTY = 20.0
_FEW_VALUES = 64
"""An attribute of that many values at most predicts, and gates the token."""


@dataclass(frozen=True, slots=True, eq=False)
class Completion:
    """`text` and `image` (q, k) float32: weights from what an item has to blocks that it lacks; None: not learned."""

    kind: CompletionKind
    text: Floats | None
    image: Floats | None

    @classmethod
    def fit(cls, encoded: Encoded, rows: Flags, kind: CompletionKind) -> "Completion":
        """`rows` (N,) bool: the trainable items."""
        if kind != "both":
            return cls(kind, None, None)
        with_text, with_image = rows & ~lacks_text(encoded), rows & encoded.present[IMAGE]
        texts, images = _texts(encoded), _images(encoded)
        text = _regress(_known(encoded, images), texts, with_text) if texts.shape[1] else None
        image = _regress(_known(encoded, texts), images, with_image) if images.shape[1] else None
        return cls(kind, text, image)

    def fill(self, encoded: Encoded) -> Encoded:
        """With predicted blocks in place of the absent ones."""
        dense: dict[str, Floats] = dict(encoded.dense)
        if self.text is not None:
            made = _known(encoded, _images(encoded)) @ self.text
            dense |= _split(made, {name: own for name, own in dense.items() if name != IMAGE}, lacks_text(encoded))
        if self.image is not None:
            made = _known(encoded, _texts(encoded)) @ self.image
            dense |= _split(made, {IMAGE: dense[IMAGE]}, ~encoded.present[IMAGE])
        return replace(encoded, dense=dense)

    def token(self, encoded: Encoded) -> Floats:
        """(N, e) float32: columns that are zero for items with a text."""
        if self.kind == "mean" or not _texts(encoded).shape[1]:
            return np.zeros((len(encoded), 0), np.float32)
        lacking = lacks_text(encoded)[:, None].astype(np.float32)
        return lacking * np.concatenate(_context(encoded), axis=1) if self.kind == "both" else lacking


def lacks_text(encoded: Encoded) -> Flags:
    """(N,) bool: which items have a text of no field."""
    flags = np.ones(len(encoded), np.bool_)
    for name, present in encoded.present.items():
        if name != IMAGE:
            flags &= ~present
    return flags


def _context(encoded: Encoded) -> list[Floats]:
    """1, the attributes of few values and the numbers."""
    one = np.ones((len(encoded), 1), np.float32)
    bags = [bag.toarray() for bag in encoded.bags.values() if bag.shape[1] <= _FEW_VALUES]
    return [one, *bags, *encoded.hats.values()]


def _known(encoded: Encoded, other: Floats) -> Floats:
    """(N, q): what a modality is predicted from."""
    return np.concatenate([*_context(encoded), other], axis=1)


def _texts(encoded: Encoded) -> Floats:
    none = np.zeros((len(encoded), 0), np.float32)
    return np.concatenate([none, *(own for name, own in encoded.dense.items() if name != IMAGE)], axis=1)


def _images(encoded: Encoded) -> Floats:
    return encoded.dense.get(IMAGE, np.zeros((len(encoded), 0), np.float32))


def _regress(known: Floats, wanted: Floats, rows: Flags) -> Floats:
    inputs = known[rows]
    gram = inputs.T @ inputs + _PENALTY * np.eye(inputs.shape[1], dtype=np.float32)
    return np.asarray(np.linalg.solve(gram, inputs.T @ wanted[rows]), np.float32)


def _split(made: Floats, blocks: Mapping[str, Floats], lacking: Flags) -> dict[str, Floats]:
    """By block, `made` where it is lacking."""
    ends = np.cumsum([own.shape[1] for own in blocks.values()])[:-1]
    parts = np.split(made, ends, axis=1)
    return {
        name: np.where(lacking[:, None], part, own).astype(np.float32)
        for (name, own), part in zip(blocks.items(), parts, strict=True)
    }
