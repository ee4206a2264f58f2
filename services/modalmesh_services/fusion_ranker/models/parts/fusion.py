"""Fusion: an item's aligned tokens of all modalities to one vector. None depends on the order of an item's tokens."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from modalmesh_services.fusion_ranker.models.parts.attention import AttentionPooling, TransformerBlock
from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens, joined, masked_mean, masked_softmax


class Fusion(nn.Module, ABC):
    def __init__(self, names: Sequence[str], dim: int) -> None:
        super().__init__()
        self.names = tuple(names)
        self.dim = dim

    @abstractmethod
    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Each modality (N, T, D), all of `names`, to (N, D)."""

    def _means(self, tokens: Mapping[str, Tokens]) -> Tokens:
        """(N, M, D): a modality's mean each, masked where it is missing."""
        means = torch.stack([masked_mean(tokens[name]) for name in self.names], dim=1)
        return Tokens(means, torch.stack([tokens[name].present for name in self.names], dim=1))


class ConcatFusion(Fusion):
    """Modalities beside each other, then a layer."""

    def __init__(self, names: Sequence[str], dim: int) -> None:
        super().__init__(names, dim)
        self.layer = nn.Sequential(nn.Linear(len(self.names) * dim, dim), nn.GELU(), nn.Linear(dim, dim))

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        result: Tensor = self.layer(self._means(tokens).values.flatten(1))
        return result


class AddFusion(Fusion):
    """The mean over the modalities that are there, of vectors that alignment made comparable."""

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        return masked_mean(self._means(tokens))


class GatedFusion(Fusion):
    """Each modality weighed by all of them together (Arevalo et al. 2017, "Gated Multimodal Units")."""

    def __init__(self, names: Sequence[str], dim: int) -> None:
        super().__init__(names, dim)
        self.layers = nn.ModuleList(nn.Linear(dim, dim) for _ in self.names)
        self.gate = nn.Linear(len(self.names) * dim, len(self.names))

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        means = self._means(tokens)
        hidden = torch.stack([layer(means.values[:, place]).tanh() for place, layer in enumerate(self.layers)], dim=1)
        return torch.einsum("nm,nmd->nd", self.shares(means), hidden)

    def shares(self, means: Tokens) -> Tensor:
        """(N, M) adding up to 1 over what is there: what each modality weighs for each item."""
        return masked_softmax(self.gate(means.values.flatten(1)), means.mask)


class AttentionFusion(Fusion):
    """Self-attention within each modality, then each looks at the others (Tsai et al. 2019, MulT), then pooling."""

    def __init__(self, names: Sequence[str], dim: int, heads: int = 2, dropout: float = 0.0) -> None:
        super().__init__(names, dim)
        self.within = nn.ModuleDict({name: TransformerBlock(dim, heads, dropout) for name in self.names})
        self.between = nn.ModuleDict(
            {name: TransformerBlock(dim, heads, dropout) for name in self.names if len(self.names) > 1}
        )
        self.pool = AttentionPooling(dim)

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        within: dict[str, Tokens] = {name: self.within[name](tokens[name]) for name in self.names}
        between = {name: self._between(name, within) for name in self.names} if self.between else within
        result: Tensor = self.pool(joined(*between.values()))
        return result

    def _between(self, name: str, within: Mapping[str, Tokens]) -> Tokens:
        others = joined(*(part for other, part in within.items() if other != name))
        result: Tokens = self.between[name](within[name], others)
        return result
