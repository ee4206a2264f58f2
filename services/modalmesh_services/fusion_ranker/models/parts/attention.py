"""Attention that survives rows in which everything is masked."""

import math

import torch
from torch import Tensor, nn

from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens, masked_softmax


class MaskedAttention(nn.Module):
    """Multi-head attention (Vaswani et al. 2017, "Attention Is All You Need"); dims must divide by the heads."""

    def __init__(self, dim: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self._heads = heads
        self.query, self.key_value = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries: Tensor, tokens: Tokens, allowed: Tensor | None = None) -> Tensor:
        """(N, Q, D) float and tokens (N, T, D) to (N, Q, D): zeros where a query may look at nothing.

        `allowed` (Q, T) or (N, Q, T) bool narrows further what a query looks at.
        """
        rows, count, dim = queries.shape
        mask = tokens.mask[:, None, :].expand(-1, count, -1)  # (N, Q, T)
        mask = mask if allowed is None else mask & allowed
        query = self._split(self.query(queries))  # (N, H, Q, D / H)
        key, value = map(self._split, self.key_value(tokens.clean().values).chunk(2, dim=-1))
        logits = query @ key.transpose(-1, -2) / math.sqrt(dim // self._heads)  # (N, H, Q, T)
        shares = self.dropout(masked_softmax(logits, mask[:, None]))
        mixed = (shares @ value).transpose(1, 2).reshape(rows, count, dim)
        result: Tensor = self.out(mixed)
        return result.masked_fill(~mask.any(dim=-1)[..., None], 0.0)

    def _split(self, values: Tensor) -> Tensor:
        """(N, T, D) to (N, H, T, D / H)."""
        rows, count, dim = values.shape
        return values.view(rows, count, self._heads, dim // self._heads).transpose(1, 2)


class TransformerBlock(nn.Module):
    """Attention, then two linear layers, each after layer norm and beside a shortcut (pre-norm: Xiong et al. 2020)."""

    def __init__(self, dim: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.before_attention, self.before_linear = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = MaskedAttention(dim, heads, dropout)
        self.linear = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim), nn.Dropout(dropout))

    def forward(self, tokens: Tokens, context: Tokens | None = None, allowed: Tensor | None = None) -> Tokens:
        """(N, T, D) to (N, T, D): each token looks at those of `context` (N, S, D), by itself at its own row's.

        Both pass the same layer norm, as in Tsai et al. 2019.
        """
        normed = self._normed(tokens)
        seen = normed if context is None else self._normed(context)
        values = tokens.clean().values + self.attention(normed.values, seen, allowed)
        return Tokens(values + self.linear(self.before_linear(values)), tokens.mask).clean()

    def _normed(self, tokens: Tokens) -> Tokens:
        return Tokens(self.before_attention(tokens.clean().values), tokens.mask)


class AttentionPooling(nn.Module):
    """One vector a row by learned weights (Ilse et al. 2018, "Attention-based Deep Multiple Instance Learning")."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(nn.Linear(dim, dim), nn.Tanh(), nn.Linear(dim, 1, bias=False))

    def forward(self, tokens: Tokens) -> Tensor:
        """(N, T, D) to (N, D): zeros for a row without tokens. The order of tokens doesn't matter."""
        values = tokens.clean().values
        shares = masked_softmax(self.weigh(values)[..., 0], tokens.mask)  # (N, T)
        return torch.einsum("nt,ntd->nd", shares, values)
