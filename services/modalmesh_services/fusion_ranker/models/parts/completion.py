"""Completion: a vector for each modality that an item lacks, from those that it has. What is there stays as it is."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens


class Completion(nn.Module, ABC):
    """`modalities` are (N, M, D) float, one vector a modality, with what is there as mask (N, M) bool."""

    def forward(self, modalities: Tokens) -> Tensor:
        """(N, M, D): the vectors that are there, untouched, and made ones in place of the others."""
        return torch.where(modalities.mask[..., None], modalities.values, self.made(modalities))

    @abstractmethod
    def made(self, modalities: Tokens) -> Tensor:
        """(N, M, D): every modality as made from the item's others, never from itself."""

    def losses(self, modalities: Tokens) -> dict[str, Tensor]:
        """Scalars by name: how far what is made is from what is there."""
        return {}


class LearnedToken(Completion):
    """One learned vector a modality, the same for all items."""

    def __init__(self, modalities: int, dim: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.randn(modalities, dim) * 0.02)

    def made(self, modalities: Tokens) -> Tensor:
        return self.token.expand_as(modalities.values)


class Regression(Completion):
    """A network a modality that predicts it from the others (the imputation of Ma et al. 2021, SMIL, as a point)."""

    def __init__(self, modalities: int, dim: int) -> None:
        super().__init__()
        inputs = modalities * dim
        self.networks = nn.ModuleList(_network(inputs, dim, dim) for _ in range(modalities))

    def made(self, modalities: Tokens) -> Tensor:
        return _each(self.networks, _conditions(modalities))

    def losses(self, modalities: Tokens) -> dict[str, Tensor]:
        learnable = _learnable(modalities)
        # The target is detached: completion must not bend what it predicts towards being predictable.
        wrong = (self.made(modalities) - modalities.clean().values.detach()).square().mean(dim=-1)
        return {"regression": _mean_where(wrong, learnable)}


class ConditionalGan(Completion):
    """A generator makes a modality from the others and noise; a discriminator tells it from a real one beside the same
    others (Mirza and Osindero 2014). An L1 term keeps it near the real one (Isola et al. 2017, pix2pix).

    The losses can be added up and go to one optimiser: the generator's passes through the discriminator without
    reaching its parameters, and the discriminator's doesn't reach the generator.
    """

    def __init__(self, modalities: int, dim: int, noise: int = 8, closeness: float = 1.0) -> None:
        super().__init__()
        self._noise, self._closeness = noise, closeness
        inputs = modalities * dim
        self.generators = nn.ModuleList(_network(inputs + noise, dim, dim) for _ in range(modalities))
        self.discriminators = nn.ModuleList(_network(inputs + dim, dim, 1) for _ in range(modalities))

    def made(self, modalities: Tokens) -> Tensor:
        return self._made_from(_conditions(modalities))

    def losses(self, modalities: Tokens) -> dict[str, Tensor]:
        learnable = _learnable(modalities)
        real = modalities.clean().values.detach()
        conditions = _conditions(Tokens(real, modalities.mask))
        made = self._made_from(conditions)
        told_real = self._told(conditions, real)
        told_made = self._told(conditions, made.detach())
        fooled = self._told(conditions, made, frozen=True)
        apart = functional.softplus(-told_real) + functional.softplus(told_made)
        return {
            "gan_discriminator": _mean_where(apart, learnable),
            "gan_generator": _mean_where(functional.softplus(-fooled), learnable),
            "gan_closeness": self._closeness * _mean_where((made - real).abs().mean(dim=-1), learnable),
        }

    def _made_from(self, conditions: Tensor) -> Tensor:
        """Noise in training alone: serving must answer the same twice."""
        noise = conditions.new_zeros(*conditions.shape[:2], self._noise)
        if self.training:
            noise.normal_()
        return _each(self.generators, torch.cat([conditions, noise], dim=-1))

    def _told(self, conditions: Tensor, vectors: Tensor, *, frozen: bool = False) -> Tensor:
        """(N, M): the logit of being real."""
        inputs = torch.cat([conditions, vectors], dim=-1)
        logits = [_run(network, inputs[:, place], frozen) for place, network in enumerate(self.discriminators)]
        return torch.stack(logits, dim=1)[..., 0]


def _network(inputs: int, hidden: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs))


def _run(network: nn.Module, inputs: Tensor, frozen: bool) -> Tensor:
    result: Tensor
    if frozen:
        result = functional_call(network, {name: each.detach() for name, each in network.named_parameters()}, inputs)
    else:
        result = network(inputs)
    return result


def _each(networks: nn.ModuleList, inputs: Tensor) -> Tensor:
    """(N, M, E) to (N, M, D): a network a modality."""
    return torch.stack([network(inputs[:, place]) for place, network in enumerate(networks)], dim=1)


def _conditions(modalities: Tokens) -> Tensor:
    """(N, M, M * D): for each modality all the others, zeros in its own place and for what is missing.

    Whether the others are there isn't told by itself: in many a catalogue that says how popular an item is.
    """
    count = modalities.mask.shape[1]
    others = modalities.mask[:, None, :] & ~torch.eye(count, dtype=torch.bool, device=modalities.mask.device)
    return modalities.values[:, None].masked_fill(~others[..., None], 0.0).flatten(2)


def _learnable(modalities: Tokens) -> Tensor:
    """(N, M) bool: what is there beside something to make it from."""
    return modalities.mask & (modalities.mask.sum(dim=1, keepdim=True) > 1)


def _mean_where(values: Tensor, mask: Tensor) -> Tensor:
    return values.masked_fill(~mask, 0.0).sum() / mask.sum().clamp(min=1)
