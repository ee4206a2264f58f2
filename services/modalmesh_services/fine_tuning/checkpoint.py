"""An unfinished training on disk: a safetensors file after each epoch, from which an interrupted one goes on."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

_FILE = "epoch.safetensors"
_PARTS = ("current", "best")


@dataclass(frozen=True, slots=True)
class Epoch:
    """`loss` is the mean of its batches; `auc` of the held-out items behind it, None where none are held out."""

    number: int
    loss: float
    auc: float | None


@dataclass(slots=True)
class Progress:
    """How far a training has come. `current` and `best` are the trained parameters by name, `optimizer` its tensors."""

    epochs: list[Epoch] = field(default_factory=list)
    best_epoch: int = 0
    base_auc: float | None = None
    current: Mapping[str, Tensor] = field(default_factory=dict)
    best: Mapping[str, Tensor] = field(default_factory=dict)
    optimizer: Mapping[str, Tensor] = field(default_factory=dict)


class Checkpoint:
    """Of the training that `key` names; what another one left behind is not seen, and is written over."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self._path = folder / _FILE
        self._key = key

    def read(self) -> Progress | None:
        """None where there is none of this training, or a torn one."""
        try:
            with safe_open(self._path, "pt") as file:
                state: dict[str, Any] = json.loads(file.metadata()["state"])
                if state.pop("key") != self._key:
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
        except (OSError, SafetensorError, KeyError, TypeError, ValueError):
            return None
        epochs = [Epoch(**epoch) for epoch in state["epochs"]]
        current, best, optimizer = (_part(tensors, part) for part in (*_PARTS, "optimizer"))
        return Progress(epochs, state["best_epoch"], state["base_auc"], current, best, optimizer)

    def write(self, progress: Progress) -> None:
        """Whole or not at all.

        Raises:
            OSError: the folder can't be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        state = {
            "key": self._key,
            "epochs": [asdict(epoch) for epoch in progress.epochs],
            "best_epoch": progress.best_epoch,
            "base_auc": progress.base_auc,
        }
        parts = {"current": progress.current, "best": progress.best, "optimizer": progress.optimizer}
        tensors = {
            f"{part}/{name}": tensor.detach().cpu().contiguous().clone()
            for part, named in parts.items()
            for name, tensor in named.items()
        }
        aside = self._path.with_suffix(".writing")
        save_file(tensors, aside, {"state": json.dumps(state)})
        os.replace(aside, self._path)


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Its state by parameter number and name; all of AdamW's are tensors."""
    state = optimizer.state_dict()["state"]
    return {f"{number}/{name}": tensor for number, own in state.items() for name, tensor in own.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        number, _, name = key.partition("/")
        state.setdefault(int(number), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _part(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{part}/"): tensor for name, tensor in tensors.items() if name.startswith(f"{part}/")}
