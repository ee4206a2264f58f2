"""How much one call may bring. Counts alone, so that a message is refused before arrays are made of it."""

from dataclasses import dataclass

from modalmesh.errors import TooLarge


@dataclass(frozen=True, slots=True)
class RankerLimits:
    """What is above is refused.

    `fuse_rows` are rows of a matrix, and tokens that point to them; `fuse_values` are attribute values of all items;
    `explained_pairs` are explanations times history events.
    """

    fuse_items: int
    fuse_rows: int
    fuse_values: int
    candidates: int
    history_events: int
    explained_pairs: int

    def check_items(self, items: int) -> None:
        """Raises TooLarge, as all of these do."""
        _require_at_most("items", items, self.fuse_items)

    def check_matrix(self, field: str, rows: int) -> None:
        _require_at_most(f"{field}.rows", rows, self.fuse_rows)

    def check_tokens(self, texts: int, images: int) -> None:
        """Of all items together. Many may point to one row: a small message could ask for much memory."""
        _require_at_most("items.texts", texts, self.fuse_rows)
        _require_at_most("items.images", images, self.fuse_rows)

    def check_attributes(self, values: int) -> None:
        """Of all items together."""
        _require_at_most("items.attributes", values, self.fuse_values)

    def check_vectors(self, rows: int) -> None:
        """Rows of fused vectors."""
        _require_at_most("vectors.rows", rows, self.candidates + self.history_events)

    def check_history(self, events: int) -> None:
        _require_at_most("history", events, self.history_events)

    def check_candidates(self, candidates: int) -> None:
        _require_at_most("candidates", candidates, self.candidates)

    def check_proposed(self, limit: int) -> None:
        _require_at_most("limit", limit, self.candidates)

    def check_explained(self, explained: int, events: int) -> None:
        _require_at_most("explain", explained, max(1, self.explained_pairs // max(1, events)))


def _require_at_most(field: str, count: int, limit: int) -> None:
    if count > limit:
        raise TooLarge(field, f"is {count} where the limit is {limit}")
