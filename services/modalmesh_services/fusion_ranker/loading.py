"""Settings to a model that ranks."""

import logging
from pathlib import Path

from modalmesh.errors import InvalidInput
from modalmesh_services.fusion_ranker.bundle import read_bundle
from modalmesh_services.fusion_ranker.limits import RankerLimits
from modalmesh_services.fusion_ranker.models.interface import ModelDescription, RankerModel
from modalmesh_services.fusion_ranker.models.zero_shot import NAME as ZERO_SHOT
from modalmesh_services.fusion_ranker.models.zero_shot import ZeroShotConfig, ZeroShotRanker
from modalmesh_services.fusion_ranker.settings import FusionRankerSettings
from modalmesh_services.fusion_ranker.systems import kind_of

logger = logging.getLogger(__name__)


def load(settings: FusionRankerSettings) -> RankerModel:
    """The zero-shot model, or the ranker of a bundle.

    Raises:
        NotFound: there is no such bundle.
        InvalidInput: it can't be used; says which file of it, and why.
    """
    if settings.model == ZERO_SHOT:
        return ZeroShotRanker(ZeroShotConfig(text_dim=settings.text_dim, image_dim=settings.image_dim))
    return load_bundle(Path(settings.model))


def load_bundle(folder: Path) -> RankerModel:
    """Raises:
    NotFound, InvalidInput: as `load`.
    """
    bundle = read_bundle(folder)
    try:
        model = kind_of(bundle.learned.system).ranker(bundle.parts, bundle.made_for)
    except (ValueError, KeyError) as error:
        why = f"{bundle.learned.system} can't rank with its parts ({type(error).__name__}: {error})"
        raise InvalidInput(f"bundle {folder}", why, reason="BUNDLE_NOT_WHOLE") from error
    logger.info("loaded %s of revision %s from %s", bundle.learned.system, bundle.revision, folder)
    return model


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
