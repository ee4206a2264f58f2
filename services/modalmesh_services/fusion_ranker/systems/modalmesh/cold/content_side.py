"""All that is made of content before anybody's likes count: learned once, the same in every fold."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats
from modalmesh_services.fusion_ranker.dataset.catalogue import TAGS
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content import IMAGE, TIME, Content
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content_blocks import ContentBlocks, Encoded
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.features import HAS_TAGS, LACKS_TEXT, USUAL, YEAR
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.item_table import ItemTable
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.kinds import KindSpace
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.missing import Completion, CompletionKind, lacks_text
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.ridge import Design, design
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.similarities import usual_cubes

REFERENCE = 512
"""Items with which a similarity is compared to say what is usual."""


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """N items by content alone: columns for the ridge, kinds of content, numbers by name (N,)."""

    encoded: Encoded
    design: Design
    kinds: Mapping[str, Floats]
    numbers: Mapping[str, Floats]

    def table(self, rows: Flags, factors: Floats, numbers: Mapping[str, Floats]) -> ItemTable:
        """The items of `rows` (N,) bool, with `factors` and further `numbers` of theirs."""
        known = {name: own[rows] for name, own in self.numbers.items()}
        return ItemTable(factors, {name: own[rows] for name, own in self.kinds.items()}, {**known, **numbers})


@dataclass(frozen=True, slots=True, eq=False)
class ContentSide:
    """`reference` by kind: (R, k) vectors of trainable items."""

    blocks: ContentBlocks
    kinds: KindSpace
    reference: Mapping[str, Floats]
    completion: Completion

    @classmethod
    def fit(cls, content: Content, rows: Flags, completion: CompletionKind = "mean") -> "ContentSide":
        """`rows` (N,) bool: the trainable items."""
        blocks = ContentBlocks.fit(content, rows)
        encoded = blocks.transform(content)
        space = KindSpace.fit(blocks, encoded)
        chosen = np.random.default_rng(0).permutation(np.flatnonzero(rows))[:REFERENCE]
        reference = {name: own[chosen] for name, own in space.transform(encoded).items()}
        return cls(blocks, space, reference, Completion.fit(encoded, rows, completion))

    @property
    def origin(self) -> float:
        """The year that years are counted from."""
        return self.blocks.hats[TIME].median if TIME in self.blocks.hats else 0.0

    def describe(self, content: Content) -> Described:
        encoded = self.blocks.transform(content)
        kinds = self.kinds.transform(encoded)
        none = np.zeros(len(content), np.float32)
        tagged = content.texts[TAGS].present.astype(np.float32) if TAGS in self.blocks.dense else none
        numbers = {
            YEAR: encoded.numbers[TIME] - np.float32(self.origin) if TIME in encoded.numbers else none,
            HAS_TAGS: tagged,
            LACKS_TEXT: self._says_lack(encoded),
        }
        usual = usual_cubes(kinds, self.reference, self.kinds.weights, len(content))
        numbers |= {USUAL + name: own for name, own in usual.items()}
        columns = np.concatenate([tagged[:, None], self.completion.token(encoded)], axis=1)
        return Described(encoded, design(self.completion.fill(encoded), columns), kinds, numbers)

    def _says_lack(self, encoded: Encoded) -> Floats:
        """(N,): whether an item lacks a text, zeros where that isn't to count."""
        counts = self.completion.kind != "mean" and any(name != IMAGE for name in self.blocks.dense)
        return (lacks_text(encoded) & counts).astype(np.float32)
