"""Head: candidates and a history to a probability each."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens


class TargetAttention(nn.Module):
    """What of the history speaks for each candidate (Zhou et al. 2018, Deep Interest Network).

    As there, weights don't add up to 1, so that many matching events weigh more than one; they are divided by the root
    of the history's length, so that a long history stays in range.
    """

    def __init__(self, dim: int, hidden: int | None = None) -> None:
        super().__init__()
        self.pair, self.out = nn.Linear(4 * dim, hidden or dim), nn.Linear(hidden or dim, 1)

    def forward(self, candidates: Tensor, events: Tokens) -> Tensor:
        """(B, C, D) and events (B, L, D) to (B, C, D): zeros for an empty history."""
        weights = self.weights(candidates, events)
        return torch.einsum("bcl,bld->bcd", weights, events.clean().values)

    def weights(self, candidates: Tensor, events: Tokens) -> Tensor:
        """(B, C, L): what each event weighs for each candidate, 0 where there is none.

        A network over the pair [c, e, c - e, c * e]. Its first layer is linear, so that it is worked out a candidate
        and an event each, and their product by one matrix product: no (B, C, L, 4 D) is made.
        """
        theirs = events.clean().values
        rows, length, dim = theirs.shape
        ours_only, theirs_only, apart, both = self.pair.weight.chunk(4, dim=1)  # (H, D) each
        weighed = (theirs[:, :, None] * both).reshape(rows, -1, dim)  # (B, L H, D)
        hidden = (candidates @ weighed.transpose(1, 2)).reshape(rows, candidates.shape[1], length, len(both))
        hidden = hidden + functional.linear(candidates, ours_only + apart)[:, :, None]
        hidden = hidden + functional.linear(theirs, theirs_only - apart, self.pair.bias)[:, None]
        weights: Tensor = self.out(functional.silu(hidden))[..., 0]
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
