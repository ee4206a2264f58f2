"""The training loop: the same seed gives the same weights, in one go or interrupted, in one process or several."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from modalmesh_services.common.backends.tensor_groups import optimizer_tensors, restore_optimizer
from modalmesh_services.fusion_ranker.dataset.arrays import Flags
from modalmesh_services.fusion_ranker.models.parts.balance import modulate_gradients, modulation
from modalmesh_services.fusion_ranker.systems.interface import Step, Watch
from modalmesh_services.fusion_ranker.systems.multimodal.checkpoint import (
    Checkpoint,
    Epoch,
)
from modalmesh_services.fusion_ranker.systems.multimodal.holding_out import HeldOut
from modalmesh_services.fusion_ranker.systems.multimodal.items import Items
from modalmesh_services.fusion_ranker.systems.multimodal.losses import Cost, ShardLoss
from modalmesh_services.fusion_ranker.systems.multimodal.network import Network
from modalmesh_services.fusion_ranker.systems.multimodal.processes import Processes
from modalmesh_services.fusion_ranker.systems.multimodal.scoring import contents_of, score_all
from modalmesh_services.fusion_ranker.systems.multimodal.states import Sampler, Shard

_STAGE = "epochs"
_MEASURED_EVERY = 10
"""Batches between two measurements of what each modality contributes."""
_LARGEST_GRADIENT = 5.0


@dataclass(frozen=True, slots=True)
class Data:
    """`items` of the whole catalogue, prepared, their `ids` (N,) in the vocabulary, and which are `trainable` (N,)."""

    items: Items
    ids: Tensor
    trainable: Flags
    sampler: Sampler
    held_out: HeldOut
    has_order: bool


class Trainer:
    """Learns `network` in place."""

    def __init__(self, network: Network, data: Data, processes: Processes, watch: Watch) -> None:
        self._network, self._data, self._processes, self._watch = network, data, processes, watch
        self._settings = network.configuration.training
        self._loss = ShardLoss(network, data.items, data.ids)
        self._parameters = [each for each in network.parameters() if each.requires_grad]
        self._optimiser = torch.optim.AdamW(self._parameters, lr=self._settings.rate, weight_decay=self._settings.decay)
        self._curve: tuple[Epoch, ...] = ()
        self._best = _copied(network)

    def run(self) -> tuple[Epoch, ...]:
        """All epochs, or until `patience` of them brought nothing; the best one's weights stay in the network."""
        self._resume()
        while len(self._curve) < self._settings.epochs and not self._exhausted():
            loss = self._epoch(len(self._curve))
            self._curve += (Epoch(len(self._curve) + 1, loss, self._validated()),)
            if _best_of(self._curve) == self._curve[-1]:
                self._best = _copied(self._network)
            self._keep()
        self._network.load_state_dict(self._best)
        self._network.eval()
        return self._curve

    def _epoch(self, epoch: int) -> float:
        """Its mean loss."""
        self._network.train()
        losses = []
        for batch, shards in enumerate(self._data.sampler.batches(epoch)):
            for group in self._optimiser.param_groups:
                group["lr"] = self._rate(epoch * len(self._data.sampler) + batch)
            losses.append(self._step(shards, (self._settings.seed, epoch, batch)))
        return float(np.mean(losses)) if losses else 0.0

    def _step(self, shards: Sequence[Shard], place: tuple[int, int, int]) -> float:
        """Learn from one batch, of which this process works out its shards; the loss of all of it."""
        self._optimiser.zero_grad(set_to_none=False)
        loss = self._data.ids.new_zeros((), dtype=torch.float32)
        confidence = loss.new_zeros(len(self._network.items.names))
        for number in self._processes.mine(len(shards)):
            shard = shards[number]
            _seed(*place, number)
            cost: Cost = self._loss(shard.to(loss.device))
            torch.autograd.backward(cost.total * shard.weight)
            loss += cost.total.detach() * shard.weight
            confidence += cost.confidence * shard.weight
        for parameter in self._parameters:
            # A parameter that this process's shards didn't use had its part in others'.
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        self._processes.add_up([loss, confidence, *gradients])
        self._balance(confidence)
        torch.nn.utils.clip_grad_norm_(self._parameters, _LARGEST_GRADIENT)
        self._optimiser.step()
        if self._network.items.gates is not None and place[-1] % _MEASURED_EVERY == 0:
            self._measure_gates(shards)
        return float(loss)

    def _balance(self, confidence: Tensor) -> None:
        strength = self._network.configuration.balance.modulation
        if strength:
            names = self._network.items.names
            factors = dict(zip(names, modulation(confidence, strength).tolist(), strict=True))
            modulate_gradients({name: self._network.items.modules_of(name) for name in names}, factors)

    @torch.no_grad()
    def _measure_gates(self, shards: Sequence[Shard]) -> None:
        """How much the loss grows without each modality."""
        items = self._network.items
        count = len(items.names)
        found = torch.zeros(count + 1, device=self._data.ids.device)
        self._network.eval()
        for number in self._processes.mine(len(shards)):
            everything = torch.ones(count, dtype=torch.bool, device=found.device)
            without = ~torch.eye(count, dtype=torch.bool, device=found.device)
            for place, kept in enumerate([everything, *without]):
                cost = self._loss(shards[number].to(found.device), kept)
                found[place] += cost.parts["targets"] * shards[number].weight
        self._network.train()
        self._processes.add_up([found])
        if items.gates is not None:
            items.gates.measured(found[0], found[1:])

    def _rate(self, step: int) -> float:
        """A warm first epoch, then half a cosine to 0 over all epochs."""
        epoch = len(self._data.sampler)
        warm = min(1.0, (step + 1) / max(1, epoch))
        return self._settings.rate * warm * 0.5 * (1 + math.cos(math.pi * step / (epoch * self._settings.epochs)))

    def _validated(self) -> float | None:
        """NDCG@10 of those held out, the same in every process."""
        data = self._data
        if not len(data.held_out):
            return None
        figure = 0.0
        if self._processes.first:
            figure = data.held_out.ndcg(self.held_out_scores(), data.trainable)
        return self._processes.told(figure)

    def held_out_scores(self) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        """(U, N) of those held out."""
        data, network = self._data, self._network.eval()
        contents = contents_of(network, data.items)
        return score_all(
            network,
            contents,
            data.ids,
            data.held_out.histories,
            data.held_out.times_ms,
            has_order=data.has_order,
        )

    def _exhausted(self) -> bool:
        if not self._curve or self._curve[-1].validation is None:
            return False
        return len(self._curve) - _best_of(self._curve).number >= self._settings.patience

    def _keep(self) -> None:
        last = self._curve[-1]
        if not self._processes.first:
            return
        if self._watch.folder is not None:
            tensors = optimizer_tensors(self._optimiser)
            Checkpoint(_copied(self._network), self._best, tensors, self._curve).write(self._watch.folder)
        self._watch.tell(Step(_STAGE, last.number, self._settings.epochs, last.loss, last.validation))

    def _resume(self) -> None:
        kept = Checkpoint.read(self._watch.folder) if self._watch.folder is not None else None
        if kept is not None:
            self._network.load_state_dict(kept.network)
            restore_optimizer(self._optimiser, kept.optimiser)
            self._best, self._curve = dict(kept.best), kept.curve


def _best_of(curve: Sequence[Epoch]) -> Epoch:
    """The first of the best; the last where nothing is held out."""
    if curve[-1].validation is None:
        return curve[-1]
    return max(curve, key=lambda epoch: (epoch.validation or 0.0, -epoch.number))


def _copied(network: Network) -> dict[str, Tensor]:
    return {name: each.detach().clone() for name, each in network.state_dict().items()}


def _seed(*numbers: int) -> None:
    """Dropout and noise depend on the place in training alone."""
    torch.manual_seed(int(np.random.SeedSequence(numbers).generate_state(1)[0]))
