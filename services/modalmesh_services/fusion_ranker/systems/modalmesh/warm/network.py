"""A small network over the features of a user's candidates, learned list by list (Cao et al.'s ListNet, ICML 2007)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats
from modalmesh_services.fusion_ranker.moving import sent

_WIDTHS = (64, 32)
_DROPOUT = 0.2
_CLIP = 5.0
_RATE, _DECAY = 2e-3, 1e-3
_BATCH = 32
_LEAST_BATCHES, _LEAST_BATCH = 20, 8
"""An epoch has so many batches, smaller ones where there are few lists: with 6 large ones, as 60 customers of a shop
make, Recall@20 of new users was 0.55 instead of 0.62.
"""

Tell = Callable[[int, float], None]
"""Called after each epoch with its number, from 1, and the mean loss."""


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Features less `mean` (F,), over `deviation` (F,), no farther than 5 from 0."""

    mean: Floats
    deviation: Floats

    @classmethod
    def of(cls, features: Floats) -> "Scale":
        """Moments over (P, F)."""
        mean, deviation = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
        return cls(mean.astype(np.float32), np.where(deviation > 1e-6, deviation, 1).astype(np.float32))

    def __call__(self, features: Floats) -> Floats:
        return np.asarray(np.clip((features - self.mean) / self.deviation, -_CLIP, _CLIP), np.float32)


def network(feature_count: int) -> nn.Sequential:
    """(..., F) -> (..., 1)."""
    first, second = _WIDTHS
    return nn.Sequential(
        nn.Linear(feature_count, first),
        nn.SiLU(),
        nn.Dropout(_DROPOUT),
        nn.Linear(first, second),
        nn.SiLU(),
        nn.Linear(second, 1),
    )


def learn(
    features: Floats, allowed: Flags, wanted: Flags, seed: int, epochs: int, tell: Tell, device: torch.device
) -> nn.Sequential:
    """`features` (B, C, F), scaled; `allowed` (B, C): places that hold a candidate; `wanted` (B, C): the targets.

    A batch at a time is on the device; what was learned is on the CPU.
    """
    with torch.random.fork_rng([] if device.type == "cpu" else [device], device_type=device.type):
        torch.manual_seed(seed)
        model = network(features.shape[-1]).to(device)
        optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=_DECAY)
        size = min(_BATCH, max(_LEAST_BATCH, len(features) // _LEAST_BATCHES))
        steps = epochs * -(-len(features) // size)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for epoch in range(epochs):
            losses = []
            order = torch.randperm(len(features)).numpy()
            for start in range(0, len(order), size):
                batch = order[start : start + size]
                rows = sent(torch.from_numpy(features[batch]), device)
                loss = _loss(model(rows)[..., 0], allowed[batch], wanted[batch])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
                losses.append(loss.item())
            tell(epoch + 1, float(np.mean(losses)))
    return model.cpu().eval()


def _loss(scores: Tensor, allowed: Flags, wanted: Flags) -> Tensor:
    """Each list's cross entropy, over the square root of its targets: who has many isn't all that counts."""
    logs = scores.masked_fill(~sent(torch.from_numpy(allowed), scores.device), -torch.inf).log_softmax(dim=1)
    targets = sent(torch.from_numpy(wanted), scores.device)
    counts = targets.sum(dim=1).clamp(min=1)
    return -(logs.masked_fill(~targets, 0).sum(dim=1) / counts.sqrt()).mean()
