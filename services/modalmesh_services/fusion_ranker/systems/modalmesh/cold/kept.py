"""The cold half as a bundle keeps it: the model, and what the crowd knows of items by their ids."""

from dataclasses import dataclass

from modalmesh_services.fusion_ranker.dataset.arrays import Floats, Indexes
from modalmesh_services.fusion_ranker.systems.interface import Parts
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.model import ColdModel
from modalmesh_services.fusion_ranker.systems.modalmesh.storing import restore, store


@dataclass(frozen=True, slots=True, eq=False)
class KeptCold:
    """`rows` (K,) int32: places in the vocabulary of the items whose likes were learned from; `adds` (K, d) float32 and
    `log_likes` (K,): what each adds to a user who likes it, and how many do.
    """

    model: ColdModel
    rows: Indexes
    adds: Floats
    log_likes: Floats

    def parts(self, item_ids: tuple[str, ...]) -> Parts:
        """`item_ids` are the vocabulary."""
        return Parts(*store(self), item_ids)

    @classmethod
    def of(cls, parts: Parts) -> "KeptCold":
        """Raises:
        ValueError: these parts are not whole.
        """
        kept = restore(cls, parts.settings, parts.arrays)
        if len(kept.rows) and int(kept.rows.max()) >= len(parts.item_ids):
            raise ValueError(f"learned of item {int(kept.rows.max())}, and the vocabulary has {len(parts.item_ids)}")
        return kept
