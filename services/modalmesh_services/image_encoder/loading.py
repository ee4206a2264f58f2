"""A setting to everything that the core needs: a network on its device, preprocessing, names."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from modalmesh_services.common.backends import fingerprint
from modalmesh_services.common.backends.choosing import Backends, Kept
from modalmesh_services.common.backends.device import Placement, places
from modalmesh_services.image_encoder.model import ImageModel, probe
from modalmesh_services.image_encoder.preprocess import Preprocess
from modalmesh_services.image_encoder.settings import ImageEncoderSettings
from modalmesh_services.image_encoder.sources import PACKAGED, Source, find_source, packaged_file

# By device, as measured on a CPU: what is larger leaves the cache.
_MICRO_BATCH = {"cpu": 4, "cuda": 64}


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """A model ready to run, and what it is called."""

    model: ImageModel
    placement: Placement
    preprocess: Preprocess
    name: str
    fingerprint: str
    dim: int


def load(settings: ImageEncoderSettings) -> LoadedImage:
    """Load the network and run it once, or load what an earlier start made of it.

    Raises:
        OSError, ValueError: something is missing or isn't supported; says what.
    """
    placements = places(settings.device, settings.precision, settings.threads, settings.backend)
    backends = Backends(placements, settings.model_cache)
    micro_batch = settings.micro_batch or _MICRO_BATCH[placements[0].device.type]
    files = _files(settings)
    source = None if files else find_source(settings.model, settings.weights)
    content = source.fingerprint if source else fingerprint.of_files(files, {}, backends.digests.of)
    key = {"kind": "image", "model": settings.model, "content": content}
    kept = backends.kept(key)
    if kept:
        return _from_kept(kept, micro_batch)
    return _convert(source or find_source(settings.model, settings.weights), backends, key, micro_batch)


def _files(settings: ImageEncoderSettings) -> list[Path]:
    """All files that decide what a model gives, where that can be told without torch: torchvision's names can't."""
    if settings.model == PACKAGED:
        return [packaged_file()]
    folder = Path(settings.model)
    # A mere word may be one of torchvision's names, even where a folder is called so.
    if folder.name == settings.model or not folder.is_dir():
        return []
    return [*folder.glob("*.safetensors"), *folder.glob("*config.json")]


def _from_kept(kept: Kept, micro_batch: int) -> LoadedImage:
    """Takes half a second, because torch isn't needed."""
    about = kept.about
    prepared = Preprocess.from_json(about["preprocess"])
    model = ImageModel(kept.step, micro_batch)
    return LoadedImage(model, kept.placement, prepared, about["name"], about["fingerprint"], about["dim"])


def _convert(source: Source, backends: Backends, key: Mapping[str, Any], micro_batch: int) -> LoadedImage:
    from modalmesh_services.image_encoder.networks import network as networks

    prepared = source.preprocess
    network = networks.around(source.backbone, prepared)
    step, placement, graph = backends.choose(network, lambda step: probe(step, prepared.height, prepared.width))
    dim = probe(step, prepared.height, prepared.width).shape[1]
    about = {"name": source.name, "fingerprint": source.fingerprint, "preprocess": asdict(prepared), "dim": dim}
    backends.keep(key, placement, graph, about)
    return LoadedImage(ImageModel(step, micro_batch), placement, prepared, source.name, source.fingerprint, dim)
