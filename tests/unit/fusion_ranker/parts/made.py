"""Random tokens, and what masked places may hold."""

from dataclasses import replace

import torch

from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens

DIM = 8


def tokens(seed: int, rows: int = 4, count: int = 5, dim: int = DIM, *, full: bool = False) -> Tokens:
    """Row 0 has no token at all unless `full`; row 1 has all."""
    chance = torch.Generator().manual_seed(seed)
    mask = torch.rand(rows, count, generator=chance) < 0.6
    mask[0], mask[1] = False, True
    return Tokens(torch.randn(rows, count, dim, generator=chance), torch.ones_like(mask) if full else mask)


def spoilt(part: Tokens) -> Tokens:
    """The same tokens with NaN wherever there is none."""
    return replace(part, values=part.values.masked_fill(~part.mask[..., None], float("nan")))


def padded(part: Tokens) -> Tokens:
    """The same tokens with padding before, within and after."""
    rows, count, dim = part.values.shape
    places = torch.arange(count) * 2 + 3
    values, mask = torch.full((rows, 2 * count + 5, dim), 7.0), torch.zeros(rows, 2 * count + 5, dtype=torch.bool)
    values[:, places], mask[:, places] = part.values, part.mask
    return Tokens(values, mask)


def permuted(part: Tokens) -> Tokens:
    order = torch.arange(part.mask.shape[1]).flip(0)
    return Tokens(part.values[:, order], part.mask[:, order])
