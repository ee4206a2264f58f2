"""Collaborative signals: what users who met the same items say. A user is the history, never an id.

Items are called by their place in the vocabulary, from 1; 0 is a cold item, of which these signals say nothing.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens, masked_mean

COLD = 0


class CollaborativeSignal(nn.Module, ABC):
    def forward(self, history: Tensor, candidates: Tensor) -> Tensor:
        """History (B, L) and candidates (B, C), both int64, COLD for padding too, to (B, C, 1), 0 for a cold one."""
        scores = self.score(history, candidates)
        return scores.masked_fill(candidates == COLD, 0.0)[..., None]

    @abstractmethod
    def score(self, history: Tensor, candidates: Tensor) -> Tensor:
        """(B, C): warm candidates' scores."""


class FoldedFactors(nn.Module):
    """Item factors and a user folded from them: the mean of what the history's items say (Koren 2008)."""

    def __init__(self, items: int, dim: int) -> None:
        super().__init__()
        self.item = nn.Embedding(items + 1, dim, padding_idx=COLD)
        self.met = nn.Embedding(items + 1, dim, padding_idx=COLD)
        for table in (self.item, self.met):
            nn.init.normal_(table.weight, std=dim**-0.5)
            nn.init.zeros_(table.weight[COLD])

    def forward(self, history: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L) and (B, C) int64 to the user (B, D) and items (B, C, D)."""
        return masked_mean(Tokens(self.met(history), history != COLD)), self.item(candidates)


class MatrixFactorisation(CollaborativeSignal):
    """A dot product and the item's bias (Kabbur et al. 2013, FISM)."""

    def __init__(self, items: int, dim: int) -> None:
        super().__init__()
        self.factors = FoldedFactors(items, dim)
        self.bias = nn.Embedding(items + 1, 1, padding_idx=COLD)
        nn.init.zeros_(self.bias.weight)

    def score(self, history: Tensor, candidates: Tensor) -> Tensor:
        user, items = self.factors(history, candidates)
        bias: Tensor = self.bias(candidates)[..., 0]
        return torch.einsum("bd,bcd->bc", user, items) + bias


class DeepCollaborativeFiltering(CollaborativeSignal):
    """A product and a network beside each other, over factors of their own (He et al. 2017, NeuMF)."""

    def __init__(self, items: int, dim: int) -> None:
        super().__init__()
        self.product, self.deep = FoldedFactors(items, dim), FoldedFactors(items, dim)
        self.network = nn.Sequential(nn.Linear(2 * dim, dim), nn.SiLU(), nn.Linear(dim, dim), nn.SiLU())
        self.out = nn.Linear(2 * dim, 1)

    def score(self, history: Tensor, candidates: Tensor) -> Tensor:
        user, items = self.product(history, candidates)
        deep_user, deep_items = self.deep(history, candidates)
        pairs = torch.cat([deep_user[:, None].expand_as(deep_items), deep_items], dim=-1)
        scores: Tensor = self.out(torch.cat([user[:, None] * items, self.network(pairs)], dim=-1))
        return scores[..., 0]


class ItemItem(CollaborativeSignal):
    """Each item's nearest neighbours add their weight where the history has them (Sarwar et al. 2001); the weights,
    at first similarities, are learned on (Ning and Karypis 2011, SLIM).
    """

    neighbours: Tensor

    def __init__(self, items: int, count: int) -> None:
        super().__init__()
        self.register_buffer("neighbours", torch.zeros(items + 1, count, dtype=torch.int64))
        self.weight = nn.Parameter(torch.zeros(items + 1, count))

    @torch.no_grad()
    def start_from(self, neighbours: Tensor, similarities: Tensor) -> None:
        """Both (V + 1, K), int64 and float; row 0 is the cold item's, neighbour 0 is none."""
        self.neighbours.copy_(neighbours)
        self.weight.copy_(similarities)

    def score(self, history: Tensor, candidates: Tensor) -> Tensor:
        rows = len(history)
        met = self.weight.new_zeros(rows, len(self.neighbours)).scatter(1, history, 1.0)  # (B, V + 1)
        met[:, COLD] = 0.0
        near = self.neighbours[candidates]  # (B, C, K)
        found = met.gather(1, near.flatten(1)).view(near.shape)
        return (found * self.weight[candidates]).sum(dim=-1)
