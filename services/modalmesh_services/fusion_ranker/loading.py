"""Settings to a model that ranks."""

from pathlib import Path

from modalmesh_services.common.backends.device import Device, find_device
from modalmesh_services.fusion_ranker.limits import RankerLimits
from modalmesh_services.fusion_ranker.models.interface import ModelDescription, RankerModel
from modalmesh_services.fusion_ranker.models.zero_shot import NAME as ZERO_SHOT
from modalmesh_services.fusion_ranker.models.zero_shot import ZeroShotConfig, ZeroShotRanker
from modalmesh_services.fusion_ranker.settings import FusionRankerSettings

_ADVICE = "a model that is being loaded needs a device with more, or a CPU (--device cpu)"


def load(settings: FusionRankerSettings) -> RankerModel:
    """The zero-shot model, or the ranker of a bundle, on the device that the settings name.

    Raises:
        ValueError: there is no such device here.
        NotFound: there is no such bundle.
        InvalidInput: it can't be used; says which file of it, and why.
        Overloaded: the device has no memory for it.
    """
    device = find_device(settings.device)
    if device.type == "cpu":
        return _load(settings, device)
    # Only here, as below: what serves on a CPU without a bundle needs neither torch nor what reads a bundle.
    from modalmesh_services.fusion_ranker.models.bounded import BoundedRanker, within_memory

    return BoundedRanker(within_memory(lambda: _load(settings, device), device, _ADVICE), device)


def _load(settings: FusionRankerSettings, device: Device) -> RankerModel:
    if settings.model == ZERO_SHOT:
        config = ZeroShotConfig(text_dim=settings.text_dim, image_dim=settings.image_dim)
        if device.type == "cpu":
            return ZeroShotRanker(config)
        from modalmesh_services.fusion_ranker.models.zero_shot_on_device import ZeroShotOnDevice

        return ZeroShotOnDevice(config, device)
    from modalmesh_services.fusion_ranker.bundle.serving import load_bundle

    return load_bundle(Path(settings.model), device)


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
