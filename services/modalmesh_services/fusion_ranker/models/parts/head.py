"""Head: candidates and a history to a probability each."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens


class TargetAttention(nn.Module):
    """What of the history speaks for each candidate (Zhou et al. 2018, Deep Interest Network).

    As there, weights don't add up to 1, so that many matching events weigh more than one; they are divided by the root
    of the history's length, so that a long history stays in range.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(nn.Linear(4 * dim, dim), nn.SiLU(), nn.Linear(dim, 1))

    def forward(self, candidates: Tensor, events: Tokens) -> Tensor:
        """(B, C, D) and events (B, L, D) to (B, C, D): zeros for an empty history."""
        weights = self.weights(candidates, events)
        return torch.einsum("bcl,bld->bcd", weights, events.clean().values)

    def weights(self, candidates: Tensor, events: Tokens) -> Tensor:
        """(B, C, L): what each event weighs for each candidate, 0 where there is none."""
        rows, count, dim = candidates.shape
        length = events.mask.shape[1]
        ours = candidates[:, :, None].expand(rows, count, length, dim)
        theirs = events.clean().values[:, None].expand(rows, count, length, dim)
        pairs = torch.cat([ours, theirs, ours - theirs, ours * theirs], dim=-1)  # (B, C, L, 4 D)
        weights: Tensor = self.weigh(pairs)[..., 0]
        known = events.mask.sum(dim=1).clamp(min=1).to(weights.dtype).sqrt()
        return weights.masked_fill(~events.mask[:, None], 0.0) / known[:, None, None]


class ProbabilityHead(nn.Module):
    """A network over everything known of a candidate, to a logit; `probabilities` is its sigmoid."""

    def __init__(self, inputs: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Dropout(dropout), nn.Linear(hidden, 1))

    def forward(self, known: Sequence[Tensor]) -> Tensor:
        """Tensors (B, C, any) to logits (B, C)."""
        logits: Tensor = self.layers(torch.cat(list(known), dim=-1))
        return logits[..., 0]


def probabilities(logits: Tensor) -> Tensor:
    """(B, C) in [0, 1]."""
    return torch.sigmoid(logits)
