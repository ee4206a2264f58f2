"""Vectors with masks, and arithmetic in which what is masked has no influence, not even by being NaN."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Tokens:
    """`values` (N, T, D) float, `mask` (N, T) bool: True where there is a token."""

    values: Tensor
    mask: Tensor

    @property
    def present(self) -> Tensor:
        """(N,) bool: which rows have a token at all."""
        return self.mask.any(dim=1)

    def clean(self) -> "Tokens":
        """The same with zeros where there is no token."""
        return Tokens(self.values.masked_fill(~self.mask[..., None], 0.0), self.mask)


def joined(*parts: Tokens) -> Tokens:
    """All tokens of a row beside each other: (N, T1 + T2 + ..., D)."""
    return Tokens(torch.cat([part.values for part in parts], dim=1), torch.cat([part.mask for part in parts], dim=1))


def masked_mean(tokens: Tokens) -> Tensor:
    """(N, D): the mean over a row's tokens; zeros where it has none."""
    count = tokens.mask.sum(dim=1, keepdim=True).clamp(min=1)
    return tokens.clean().values.sum(dim=1) / count.to(tokens.values.dtype)


def masked_softmax(logits: Tensor, mask: Tensor) -> Tensor:
    """Shares (..., T) that add up to 1 over what `mask` (..., T) bool lets through; all 0 where it lets nothing."""
    # The lowest number, not infinity: a row of infinities has no softmax and no gradient.
    shares = logits.masked_fill(~mask, torch.finfo(logits.dtype).min).softmax(dim=-1)
    return shares.masked_fill(~mask, 0.0)


def ages_in_order(mask: Tensor) -> Tensor:
    """(N, T) int64: 0 for a row's last token, 1 for the one before; padding doesn't count, wherever it is."""
    following = mask.flip(1).cumsum(dim=1).flip(1)
    return (following - 1).clamp(min=0)


def to_front(tokens: Tokens) -> tuple[Tokens, Tensor]:
    """The tokens in order without gaps, then padding; and the places (N, T) int64 that they were taken from."""
    places = torch.argsort((~tokens.mask).to(torch.int8), dim=1, stable=True)
    values = tokens.clean().values.gather(1, places[..., None].expand_as(tokens.values))
    return Tokens(values, tokens.mask.gather(1, places)), places


def put_back(values: Tensor, places: Tensor) -> Tensor:
    """Undoes `to_front`: (N, T, D) in the order before."""
    return torch.zeros_like(values).scatter(1, places[..., None].expand_as(values), values)


def last(tokens: Tokens) -> Tensor:
    """(N, D): the last token of rows without gaps; zeros where there is none."""
    if not tokens.mask.shape[1]:
        return tokens.values.sum(dim=1)
    place = (tokens.mask.sum(dim=1) - 1).clamp(min=0)
    chosen = tokens.clean().values.gather(1, place[:, None, None].expand(-1, 1, tokens.values.shape[-1]))
    return chosen[:, 0]
