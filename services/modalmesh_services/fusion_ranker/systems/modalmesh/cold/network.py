"""Small networks: learned with torch, kept and run as numpy arrays, a few products of matrices."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from modalmesh_services.fusion_ranker.dataset.arrays import Floats

HIDDEN = (64, 32)
_DROPOUT = 0.2
_CLIP = 5.0
"""Standard deviations: what lies farther out was hardly seen in training."""

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Of outputs (B, ...) and of which entries they are (B,), to a scalar."""

_NAMES = ("mean", "scale", "gates", "linear", "first", "first_bias", "second", "second_bias", "third", "bias")


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """F features to one number: a linear path beside F-64-32-1 with SiLU; inputs standardised and clipped.

    `gates` (F,) are 0 where a feature takes the linear path alone.
    """

    arrays: Mapping[str, Floats]

    def __call__(self, features: Floats) -> Floats:
        """(R, F) float32 to (R,) float32."""
        at = self.arrays
        inputs = np.clip((features - at["mean"]) * at["scale"], -_CLIP, _CLIP)
        hidden = _silu((inputs * at["gates"]) @ at["first"] + at["first_bias"])
        hidden = _silu(hidden @ at["second"] + at["second_bias"])
        return np.asarray(inputs @ at["linear"] + hidden @ at["third"] + at["bias"], np.float32)


class _Learned(nn.Module):
    def __init__(self, gates: Tensor) -> None:
        super().__init__()
        self.gates, features = gates, len(gates)
        self.linear = nn.Linear(features, 1)
        self.layers = nn.Sequential(
            *(nn.Linear(features, HIDDEN[0]), nn.SiLU(), nn.Dropout(_DROPOUT)),
            *(nn.Linear(HIDDEN[0], HIDDEN[1]), nn.SiLU(), nn.Linear(HIDDEN[1], 1, bias=False)),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """(..., F) to (...)."""
        result: Tensor = (self.linear(inputs) + self.layers(inputs * self.gates)).squeeze(-1)
        return result


@dataclass(frozen=True, slots=True)
class Schedule:
    """AdamW under one cycle of the rate; more epochs where entries are so few that they make few steps."""

    epochs: int
    batch: int
    rate: float
    decay: float
    least_steps: int = 120

    def epochs_of(self, entries: int) -> int:
        return max(self.epochs, -(-self.least_steps // self._batches(entries)))

    def steps(self, entries: int) -> int:
        return self.epochs_of(entries) * self._batches(entries)

    def _batches(self, entries: int) -> int:
        return max(1, -(-entries // self.batch))


def learn(features: Floats, loss: Loss, schedule: Schedule, seed: int, gates: Floats | None = None) -> Network:
    """`features` (L, ..., F) float32, one entry a list or a row.

    The same seed gives the same network on the same machine.
    """
    flat = features.reshape(-1, features.shape[-1])
    mean = flat.mean(axis=0, dtype=np.float64).astype(np.float32)
    spread = flat.std(axis=0, dtype=np.float64).astype(np.float32)
    scale = np.where(spread > 1e-6, 1 / np.maximum(spread, 1e-6), 0).astype(np.float32)
    open_gates = np.ones_like(mean) if gates is None else gates
    inputs = torch.from_numpy(np.clip((features - mean) * scale, -_CLIP, _CLIP))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _Learned(torch.from_numpy(open_gates))
        _descend(model, inputs, loss, schedule)
    first, second, third = (layer for layer in model.layers if isinstance(layer, nn.Linear))
    layers = (model.linear.weight[0], first.weight.T, first.bias, second.weight.T, second.bias, third.weight[0])
    arrays = [mean, scale, open_gates, *(_array(each) for each in layers), _array(model.linear.bias)]
    return Network(dict(zip(_NAMES, arrays, strict=True)))


def _descend(model: nn.Module, inputs: Tensor, loss: Loss, schedule: Schedule) -> None:
    optimiser = torch.optim.AdamW(model.parameters(), lr=schedule.rate, weight_decay=schedule.decay)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, schedule.rate, total_steps=schedule.steps(len(inputs)))
    model.train()
    for _ in range(schedule.epochs_of(len(inputs))):
        for which in torch.split(torch.randperm(len(inputs)), schedule.batch):
            optimiser.zero_grad()
            torch.autograd.backward(loss(model(inputs[which]), which))
            optimiser.step()
            cycle.step()


def _array(parameter: Tensor) -> Floats:
    return parameter.detach().numpy().astype(np.float32).copy()


def _silu(values: Floats) -> Floats:
    # Beyond -80 the result is 0 and the exponential too large.
    return np.asarray(values / (1 + np.exp(-np.maximum(values, -80))), np.float32)
