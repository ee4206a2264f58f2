"""Finds and reads weights of torchvision's models. Never a pickle: a .pth is read as tensors only."""

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
import torchvision.models
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

# Its public functions are re-exported in a way that type checkers don't see.
_zoo: Any = torchvision.models
_SUFFIXES = (".safetensors", ".pth", ".pt")


def read(path: Path) -> Mapping[str, Tensor]:
    """A state dict of tensors.

    Raises:
        OSError: there is no such file.
        ValueError: the file holds something else.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, UnpicklingError, SafetensorError) as error:
        raise ValueError(f"{path}: can't be read: {error}") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f"{path} holds no state dict of tensors")
    return state


def find(name: str, where: Path) -> Path:
    """The file itself, or the one file of a folder whose name begins with the model's.

    Raises:
        OSError: there is none.
        ValueError: there are several.
    """
    if not where.is_dir():
        return where
    found = [path for path in sorted(where.iterdir()) if path.stem.split("-")[0] == name and path.suffix in _SUFFIXES]
    if not found:
        raise FileNotFoundError(f"--weights {where}: no file {name}*{'|'.join(_SUFFIXES)}")
    if len(found) > 1:
        raise ValueError(f"--weights {where}: several files for {name}: {', '.join(path.name for path in found)}")
    return found[0]


def names() -> list[str]:
    """All of torchvision's classifiers."""
    return list(_zoo.list_models(module=torchvision.models))


def network(name: str, state: Mapping[str, Tensor]) -> nn.Module:
    """One of torchvision's classifiers, with weights.

    Raises:
        ValueError: they are another network's.
    """
    empty: nn.Module = _zoo.get_model(name, weights=None)
    # The last tensor is the head's bias, whose length is the number of classes.
    *_, bias = empty.state_dict()
    if bias in state and len(state[bias]) != len(empty.state_dict()[bias]):
        empty = _zoo.get_model(name, weights=None, num_classes=len(state[bias]))
    try:
        empty.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"these are not the weights of {name}: {error}") from error
    return empty


def published(name: str, file: str) -> Any:
    """The published weights (WeightsEnum) in a file of this name, or the first ones: they know their preprocessing."""
    known = list(_zoo.get_model_weights(name))
    return next((weights for weights in known if weights.url.endswith(f"/{file}")), known[0])


def download(weights: Any) -> Mapping[str, Tensor]:
    """Fetch published weights once and check their hash."""
    state: Mapping[str, Tensor] = weights.get_state_dict(
        progress=False, check_hash=True, weights_only=True, map_location="cpu"
    )
    return state
