"""Settings to a model that ranks."""

from modalmesh_services.fusion_ranker.limits import RankerLimits
from modalmesh_services.fusion_ranker.models.interface import RankerModel
from modalmesh_services.fusion_ranker.models.zero_shot import ZeroShotConfig, ZeroShotRanker
from modalmesh_services.fusion_ranker.settings import FusionRankerSettings


def load(settings: FusionRankerSettings) -> RankerModel:
    return ZeroShotRanker(ZeroShotConfig(text_dim=settings.text_dim, image_dim=settings.image_dim))


def limits(settings: FusionRankerSettings) -> RankerLimits:
    # No more items than whose vectors fit into the answer, beside a few names.
    answered = (settings.max_message_bytes - 1024) // (4 * (settings.text_dim + settings.image_dim))
    return RankerLimits(
        fuse_items=max(1, min(settings.fuse_items, answered)),
        fuse_rows=settings.fuse_rows,
        fuse_values=settings.fuse_values,
        candidates=settings.max_candidates,
        history_events=settings.max_history_events,
        explained_pairs=settings.explained_pairs,
    )
