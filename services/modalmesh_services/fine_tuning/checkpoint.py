"""An unfinished training on disk: a safetensors file after each epoch, from which an interrupted one goes on."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from modalmesh_services.common.backends.tensor_groups import group_of, joined

_FILE = "epoch.safetensors"
_PARTS = ("current", "best", "optimizer")


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
        current, best, optimizer = (group_of(tensors, part) for part in _PARTS)
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
        parts = joined(dict(zip(_PARTS, (progress.current, progress.best, progress.optimizer), strict=True)))
        tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in parts.items()}
        aside = self._path.with_suffix(".writing")
        save_file(tensors, aside, {"state": json.dumps(state)})
        os.replace(aside, self._path)
