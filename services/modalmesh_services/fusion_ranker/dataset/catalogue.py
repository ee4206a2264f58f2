"""A catalogue as arrays, all in one item order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Times
from modalmesh_services.fusion_ranker.dataset.attributes import Attributes
from modalmesh_services.fusion_ranker.dataset.tokens import Tokens

NO_TIME = np.iinfo(np.int64).min
TAGS = "tags"
"""A text field, and besides an attribute: the tags one by one."""


def tag_values(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags as values of an attribute: those that differ in case or blanks alone are one."""
    return tuple(dict.fromkeys(tag.strip().lower() for tag in tags))


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """N items. `times_ms` (N,) int64, NO_TIME where an item has none; text and pictures as token vectors."""

    item_ids: tuple[str, ...]
    times_ms: Times
    text: Tokens
    image: Tokens
    attributes: Attributes

    def __len__(self) -> int:
        return len(self.item_ids)

    def index(self) -> Mapping[str, int]:
        """Item id -> row."""
        return {item_id: row for row, item_id in enumerate(self.item_ids)}

    def without_tags(self) -> Self:
        """As if nobody had ever written a tag."""
        return replace(self, text=self.text.without_kind(TAGS), attributes=self.attributes.without_name(TAGS))

    def without_texts(self, hidden: Flags) -> Self:
        """`hidden` (N,) bool: they lack all texts, tags among them."""
        return replace(
            self, text=self.text.without_items(hidden), attributes=self.attributes.without_items(hidden, TAGS)
        )

    def without_pictures(self, hidden: Flags) -> Self:
        """`hidden` (N,) bool: they lack all pictures and frames."""
        return replace(self, image=self.image.without_items(hidden))
