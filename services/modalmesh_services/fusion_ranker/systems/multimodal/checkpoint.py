"""How far a training is, on disk after each epoch: safetensors and JSON, written so that an interruption harms none."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from safetensors.torch import load_file, save_file
from torch import Tensor

from modalmesh_services.common.backends.tensor_groups import group_of, joined

_STATE = "training.json"


@dataclass(frozen=True, slots=True)
class Epoch:
    """`loss` is the mean over its batches, `validation` the figure on those held out; None where none are."""

    number: int
    loss: float
    validation: float | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`network`, `best` (of the best epoch so far) and `optimiser` are tensors by name.

    `curve` has every epoch done.
    """

    network: Mapping[str, Tensor]
    best: Mapping[str, Tensor]
    optimiser: Mapping[str, Tensor]
    curve: tuple[Epoch, ...]

    def write(self, folder: Path) -> None:
        """The JSON names the tensors' file and takes its place last: until then the epoch before counts."""
        name = f"epoch-{len(self.curve)}.safetensors"
        groups = {"network": self.network, "best": self.best, "optimiser": self.optimiser}
        save_file({key: each.contiguous() for key, each in joined(groups).items()}, folder / name)
        state = {"tensors": name, "curve": [asdict(epoch) for epoch in self.curve]}
        unfinished = folder / f"{_STATE}.part"
        unfinished.write_text(json.dumps(state))
        os.replace(unfinished, folder / _STATE)
        for other in folder.glob("epoch-*.safetensors"):
            if other.name != name:
                other.unlink()

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """None where nothing was written yet."""
        if not (folder / _STATE).exists():
            return None
        state = json.loads((folder / _STATE).read_text())
        tensors = load_file(folder / state["tensors"])
        network, best, optimiser = (group_of(tensors, group) for group in ("network", "best", "optimiser"))
        return cls(network, best, optimiser, tuple(Epoch(**epoch) for epoch in state["curve"]))
