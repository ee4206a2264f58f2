"""Feature alignment: every modality's vectors into one space, and what pulls the modalities together there."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens, masked_mean


class Aligner(nn.Module, ABC):
    """A linear layer a modality, such as 768 to 2048; `losses` differs by kind."""

    def __init__(self, dims: Mapping[str, int], dim: int) -> None:
        super().__init__()
        self.layers = nn.ModuleDict({name: nn.Linear(size, dim) for name, size in dims.items()})

    def forward(self, tokens: Mapping[str, Tokens]) -> dict[str, Tokens]:
        """Each modality (N, T, its size) to (N, T, dim)."""
        return {
            name: Tokens(self.layers[name](part.clean().values), part.mask).clean() for name, part in tokens.items()
        }

    @abstractmethod
    def losses(self, aligned: Mapping[str, Tokens]) -> dict[str, Tensor]:
        """Scalars by name, of what `forward` returned."""


class LinearAligner(Aligner):
    def losses(self, aligned: Mapping[str, Tokens]) -> dict[str, Tensor]:
        return {}


class ContrastiveAligner(Aligner):
    """An item's modalities find each other among those of other items (Radford et al. 2021, CLIP)."""

    def __init__(self, dims: Mapping[str, int], dim: int, temperature: float = 0.1) -> None:
        super().__init__(dims, dim)
        self._temperature = temperature

    def losses(self, aligned: Mapping[str, Tokens]) -> dict[str, Tensor]:
        return _contrastive(aligned, self._temperature)


class AdversarialAligner(Aligner):
    """A discriminator tells the modality of a vector, and alignment learns to mislead it (Ganin et al. 2016, DANN).

    What isn't among `dims`, such as attributes that come in the shared space already, is no modality to tell.
    """

    def __init__(self, dims: Mapping[str, int], dim: int, strength: float = 0.1) -> None:
        super().__init__(dims, dim)
        self._strength = strength
        self._names = tuple(dims)
        self.discriminator = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, len(dims)))

    def losses(self, aligned: Mapping[str, Tokens]) -> dict[str, Tensor]:
        told = {name: aligned[name] for name in self._names if name in aligned}
        if not told:
            return {}
        vectors = torch.cat([masked_mean(part)[part.present] for part in told.values()])
        counts = [int(part.present.sum()) for part in told.values()]
        places = [self._names.index(name) for name in told]
        labels = torch.repeat_interleave(torch.tensor(places), torch.tensor(counts)).to(vectors.device)
        guesses = self.discriminator(reverse_gradient(vectors, self._strength))
        wrong = functional.cross_entropy(guesses, labels, reduction="sum")
        return {"adversarial": wrong / max(1, len(vectors))}


class ContrastiveAdversarialAligner(AdversarialAligner):
    """Both at once: an item's modalities find each other, and none is told from the others."""

    def __init__(self, dims: Mapping[str, int], dim: int, temperature: float = 0.1, strength: float = 0.1) -> None:
        super().__init__(dims, dim, strength)
        self._temperature = temperature

    def losses(self, aligned: Mapping[str, Tokens]) -> dict[str, Tensor]:
        return {**super().losses(aligned), **_contrastive(aligned, self._temperature)}


def _contrastive(aligned: Mapping[str, Tokens], temperature: float) -> dict[str, Tensor]:
    """The mean over pairs of modalities, each over the items that have both."""
    losses = []
    for one, other in itertools.combinations(aligned.values(), 2):
        both = one.present & other.present
        losses.append(info_nce(masked_mean(one)[both], masked_mean(other)[both], temperature))
    return {"contrastive": torch.stack(losses).mean()} if losses else {}


def info_nce(one: Tensor, other: Tensor, temperature: float) -> Tensor:
    """The symmetric InfoNCE of pairs (P, D), (P, D) (van den Oord et al. 2018); 0 of fewer than two pairs."""
    if len(one) < 2:
        # Of the graph still, so that gradients are zeros and not missing.
        return (one.sum() + other.sum()) * 0.0
    similarity = functional.normalize(one, dim=-1) @ functional.normalize(other, dim=-1).T / temperature
    own = torch.arange(len(one), device=one.device)
    return (functional.cross_entropy(similarity, own) + functional.cross_entropy(similarity.T, own)) / 2


class _ReverseGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None


def reverse_gradient(values: Tensor, strength: float) -> Tensor:
    """The same values; their gradient comes back times -strength."""
    result: Tensor = _ReverseGradient.apply(values, strength)  # type: ignore[no-untyped-call]
    return result
