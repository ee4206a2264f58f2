"""Epochs of next-liked-item prediction, the best of them kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from modalmesh.errors import ModalmeshError
from modalmesh_services.common.backends.tensor_groups import optimizer_tensors, restore_optimizer
from modalmesh_services.fine_tuning.checkpoint import (
    Checkpoint,
    Epoch,
    Progress,
)
from modalmesh_services.fine_tuning.judging import auc
from modalmesh_services.fine_tuning.likes import Likes, windows
from modalmesh_services.fine_tuning.objective import next_liked_loss
from modalmesh_services.fine_tuning.vectors import ItemVectors
from modalmesh_services.fusion_ranker.dataset.arrays import Indexes

_PATIENCE = 2
"""Epochs without a better one, after which training ends."""

_WARM_UP = 0.1
_LARGEST_GRADIENT = 1.0


class Diverged(ModalmeshError):
    reason = "DIVERGED"


@dataclass(frozen=True, slots=True)
class Schedule:
    """`windows` are the most of an epoch, `batch` of a step, each of `length` items.

    `pull` is how strongly parameters are drawn to where they began, as weight decay draws to zero (L2-SP, Li et al.
    2018): what the base model knows of things that nobody here likes is to stay.
    """

    epochs: int
    learning_rate: float
    seed: int
    windows: int = 1024
    batch: int = 8
    length: int = 6
    pull: float = 10.0


class Trainer:
    """Trains parameters in place; `told` hears which epoch it is, how many of its windows are done, and of how many."""

    def __init__(
        self,
        vectors: ItemVectors,
        parameters: Mapping[str, nn.Parameter],
        likes: Likes,
        schedule: Schedule,
        told: Callable[[int, int, int], None],
    ) -> None:
        self._vectors = vectors
        self._parameters = parameters
        self._likes = likes
        self._schedule = schedule
        self._told = told
        self._start = {name: parameter.detach().clone() for name, parameter in parameters.items()}
        self._optimizer = torch.optim.AdamW(parameters.values(), lr=schedule.learning_rate, weight_decay=0.0)

    def run(self, found: Progress | None, checkpoint: Checkpoint, ended: Callable[[Epoch], None]) -> Progress:
        """Train, on from what was found of an earlier run, and leave the best epoch's parameters: how it went.

        Without held-out items the last epoch is the best.

        Raises:
            Diverged: the loss is no number any more.
        """
        if found:
            self._load(found.current)
            restore_optimizer(self._optimizer, found.optimizer)
        progress = found or Progress(base_auc=self._judge())
        for number in range(len(progress.epochs) + 1, self._schedule.epochs + 1):
            if progress.best_epoch and number - progress.best_epoch > _PATIENCE:
                break
            epoch = Epoch(number, self._train(number), self._judge())
            self._note(progress, epoch)
            checkpoint.write(progress)
            ended(epoch)
        self._load(progress.best)
        return progress

    def _note(self, progress: Progress, epoch: Epoch) -> None:
        best = max((known.auc for known in progress.epochs if known.auc is not None), default=-1.0)
        progress.epochs.append(epoch)
        progress.current = {name: parameter.detach().clone() for name, parameter in self._parameters.items()}
        progress.optimizer = optimizer_tensors(self._optimizer)
        if epoch.auc is None or epoch.auc > best:
            progress.best_epoch, progress.best = epoch.number, progress.current

    def _judge(self) -> float | None:
        return auc(self._vectors, self._likes.validation) if self._likes.validation else None

    def _train(self, number: int) -> float:
        """One epoch: its mean loss."""
        schedule = self._schedule
        chosen = list(windows(self._likes, schedule.length, schedule.windows, [schedule.seed, 2, number]))
        losses = []
        for done in range(0, len(chosen), schedule.batch):
            self._told(number, done, len(chosen))
            rate = self._rate((number - 1 + done / len(chosen)) / schedule.epochs)
            losses.append(self._step(chosen[done : done + schedule.batch], rate))
        self._told(number, len(chosen), len(chosen))
        return float(np.mean(losses))

    def _rate(self, share: float) -> float:
        """Up to the learning rate and linearly down to zero, by the share of all epochs that is done."""
        return self._schedule.learning_rate * min((share + 0.01) / _WARM_UP, (1 - share) / (1 - _WARM_UP), 1.0)

    def _step(self, batch: Sequence[tuple[int, Indexes]], rate: float) -> float:
        items = np.unique(np.concatenate([window for _, window in batch]))
        vectors = self._vectors(items)
        padded = np.full((len(batch), max(len(window) for _, window in batch)), -1, np.int64)
        for row, (_, window) in enumerate(batch):
            padded[row, : len(window)] = np.searchsorted(items, window)
        liked = np.stack([np.isin(items, self._likes.by_user[user]) for user, _ in batch])
        device = vectors.device
        loss = next_liked_loss(vectors, torch.from_numpy(padded).to(device), torch.from_numpy(liked).to(device))
        if not torch.isfinite(loss):
            raise Diverged(f"the loss is {loss.item()}: try a lower learning rate")
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch's own
        nn.utils.clip_grad_norm_(self._parameters.values(), _LARGEST_GRADIENT)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()
        self._pull(rate)
        return loss.item()

    @torch.no_grad()
    def _pull(self, rate: float) -> None:
        for name, parameter in self._parameters.items():
            parameter.lerp_(self._start[name], min(rate * self._schedule.pull, 1.0))

    @torch.no_grad()
    def _load(self, tensors: Mapping[str, Tensor]) -> None:
        for name, parameter in self._parameters.items():
            parameter.copy_(tensors[name])
