"""A torchvision network as a folder: model.safetensors under torchvision's names, and config.json, which says which
network it is and how pictures are prepared for it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor, nn

from modalmesh_services.image_encoder.networks import efficientnet_lite, weights
from modalmesh_services.image_encoder.preprocess import Preprocess

# In the place where transformers' folders name theirs.
_MODEL_TYPE = "modalmesh_torchvision"
_CONFIG, _WEIGHTS = "config.json", "model.safetensors"


@dataclass(frozen=True, slots=True)
class TorchvisionNetwork:
    """A classifier with its weights; `name` is torchvision's, or efficientnet-lite0."""

    name: str
    network: nn.Module
    preprocess: Preprocess


def is_one(folder: Path) -> bool:
    """Whether the folder says so; one without a configuration doesn't."""
    path = folder / _CONFIG
    return path.is_file() and _config(path).get("model_type") == _MODEL_TYPE


def read(folder: Path) -> TorchvisionNetwork:
    """Raises OSError or ValueError: the folder lacks something, or its weights can't be read."""
    config = _config(folder / _CONFIG)
    try:
        name, prepared = str(config["network"]), Preprocess.from_json(config["preprocess"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{folder / _CONFIG}: has no usable {error}") from error
    return TorchvisionNetwork(name, _network(name, weights.read(folder / _WEIGHTS)), prepared)


def write(network: TorchvisionNetwork, folder: Path) -> None:
    """Raises OSError: the folder can't be written."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in network.network.state_dict().items()}
    save_file(tensors, folder / _WEIGHTS)
    config = {"model_type": _MODEL_TYPE, "network": network.name, "preprocess": asdict(network.preprocess)}
    (folder / _CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _config(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path}: must be an object")
    return found


def _network(name: str, state: Mapping[str, Tensor]) -> nn.Module:
    if name == efficientnet_lite.NAME:
        return efficientnet_lite.with_own_names(state)
    if name not in weights.names():
        raise ValueError(f"torchvision has no network {name!r}")
    return weights.network(name, state)
