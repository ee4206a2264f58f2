"""Settings to a model that ranks."""

from pathlib import Path

from modalmesh_services.fusion_ranker.limits import RankerLimits
from modalmesh_services.fusion_ranker.models.interface import ModelDescription, RankerModel
from modalmesh_services.fusion_ranker.models.zero_shot import NAME as ZERO_SHOT
from modalmesh_services.fusion_ranker.models.zero_shot import ZeroShotConfig, ZeroShotRanker
from modalmesh_services.fusion_ranker.settings import FusionRankerSettings


def load(settings: FusionRankerSettings) -> RankerModel:
    """The zero-shot model, or the ranker of a bundle.

    Raises:
        NotFound: there is no such bundle.
        InvalidInput: it can't be used; says which file of it, and why.
    """
    if settings.model == ZERO_SHOT:
        return ZeroShotRanker(ZeroShotConfig(text_dim=settings.text_dim, image_dim=settings.image_dim))
    # Only here: what serves without a bundle needs none of what reads one.
    from modalmesh_services.fusion_ranker.bundle.serving import load_bundle

    return load_bundle(Path(settings.model))


def limits(settings: FusionRankerSettings, model: ModelDescription) -> RankerLimits:
    # No more items than whose vectors fit into the answer, beside a few names.
    answered = (settings.max_message_bytes - 1024) // (4 * max(1, model.fused_dim))
    return RankerLimits(
        fuse_items=max(1, min(settings.fuse_items, answered)),
        fuse_rows=settings.fuse_rows,
        fuse_values=settings.fuse_values,
        candidates=settings.max_candidates,
        history_events=settings.max_history_events,
        explained_pairs=settings.explained_pairs,
    )
