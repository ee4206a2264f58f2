"""Kinds of content as short vectors of length 1, whose products are similarities."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from modalmesh.embeddings import normalise
from modalmesh_services.fusion_ranker.dataset.arrays import Floats, Indexes, SparseRows
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content import IMAGE
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content_blocks import (
    ContentBlocks,
    Encoded,
)
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.weights import bag_weight, text_weight

BAG_WIDTH = 384
"""What the vectors of all attributes may take together."""

MOST_BAGS = 8
"""Attributes that are a kind of their own, those of the most items."""

TEXT, ATTRIBUTES = "text.", "attributes."
"""What the names of kinds begin with; pictures are IMAGE."""


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """A bag's v values in few columns: `places` (v,) int32 says where each goes, `weights` (v,) float32 how.

    Where columns are too few each holds several values with random signs, so that products stay right in the mean
    (the count sketch of Charikar et al. 2002).
    """

    places: Indexes
    weights: Floats
    width: int

    @classmethod
    def of(cls, rarity: Floats, most: int) -> "Sketch":
        """Of values by their `rarity` (v,)."""
        if len(rarity) <= most:
            return cls(np.arange(len(rarity), dtype=np.int32), rarity, len(rarity))
        random = np.random.default_rng(len(rarity))
        places = random.integers(most, size=len(rarity)).astype(np.int32)
        return cls(places, (rarity * random.choice([-1.0, 1.0], len(rarity))).astype(np.float32), most)

    def transform(self, bag: SparseRows) -> Floats:
        """(N, width) float32 of (N, v) CSR."""
        coordinates = bag.tocoo()
        rows = np.zeros((bag.shape[0], self.width), np.float32)
        np.add.at(rows, (coordinates.row, self.places[coordinates.col]), self.weights[coordinates.col])
        return normalise(rows)


@dataclass(frozen=True, slots=True, eq=False)
class KindSpace:
    """Which kinds there are, with a sketch for each attribute; `weights` say how much a kind counts among all.

    Pictures have none: what is like others by all that is known must not depend on whether a picture is.
    """

    sketches: Mapping[str, Sketch]
    weights: Mapping[str, float]

    @classmethod
    def fit(cls, blocks: ContentBlocks, encoded: Encoded) -> "KindSpace":
        having = {name: np.count_nonzero(np.diff(bag.indptr)) for name, bag in encoded.bags.items()}
        frequent = sorted(having, key=lambda name: -having[name])[:MOST_BAGS]
        chosen = sorted(frequent, key=lambda name: len(blocks.bags[name].rarity))
        sketches, left = {}, BAG_WIDTH
        for place, name in enumerate(chosen):
            sketches[name] = Sketch.of(blocks.bags[name].rarity, left // (len(chosen) - place))
            left -= sketches[name].width
        weights = {TEXT + name: text_weight(name) for name in blocks.dense if name != IMAGE}
        return cls(sketches, {**weights, **{ATTRIBUTES + name: bag_weight(name) for name in sketches}})

    def transform(self, encoded: Encoded) -> dict[str, Floats]:
        """By kind (N, k) float32, rows of length 1; zeros where an item has none."""
        kinds = {_dense_name(name): normalise(own) for name, own in encoded.dense.items()}
        return kinds | {ATTRIBUTES + name: own.transform(encoded.bags[name]) for name, own in self.sketches.items()}


def _dense_name(name: str) -> str:
    return name if name == IMAGE else TEXT + name
