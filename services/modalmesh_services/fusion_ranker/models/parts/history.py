"""History: a user's events, the oldest first, to what each says in its context and to one vector."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from modalmesh_services.fusion_ranker.models.parts.attention import TransformerBlock
from modalmesh_services.fusion_ranker.models.parts.tokens import (
    Tokens,
    ages_in_order,
    last,
    masked_mean,
    put_back,
    to_front,
)


@dataclass(frozen=True, slots=True)
class EncodedHistory:
    """`events` (B, L, D), `user` (B, D) float, zeros for an empty history."""

    events: Tokens
    user: Tensor


class HistoryEncoder(nn.Module, ABC):
    @abstractmethod
    def forward(self, events: Tokens, ages: Tensor) -> EncodedHistory:
        """Items of events (B, L, D) with their ages (B, L) float in days. Padding may be anywhere and says nothing."""


class MeanHistory(HistoryEncoder):
    """The mean of the items, whatever their order and age."""

    def forward(self, events: Tokens, ages: Tensor) -> EncodedHistory:
        return EncodedHistory(events.clean(), masked_mean(events))


class RecurrentHistory(HistoryEncoder):
    """A GRU (Hidasi et al. 2016, GRU4Rec) or an LSTM; an event's age is added to its item."""

    def __init__(self, dim: int, cell: type[nn.GRU] | type[nn.LSTM]) -> None:
        super().__init__()
        self.age = AgeEncoding(dim)
        self.network = cell(dim, dim, batch_first=True)

    def forward(self, events: Tokens, ages: Tensor) -> EncodedHistory:
        if not events.mask.shape[1]:
            # Recurrent networks refuse to run over nothing.
            return EncodedHistory(events, last(events))
        aged = Tokens(events.clean().values + self.age(ages, events.mask), events.mask)
        front, places = to_front(aged)
        # What follows a row's last event can't reach back to it.
        states = Tokens(self.network(front.values)[0], front.mask).clean()
        return EncodedHistory(Tokens(put_back(states.values, places), events.mask), last(states))


class TransformerHistory(HistoryEncoder):
    """Causal self-attention (Kang and McAuley 2018, SASRec). Positions count from the newest event, so that padding
    and what was cut off the beginning don't shift them; beyond `positions` all are the same.
    """

    def __init__(self, dim: int, heads: int = 2, blocks: int = 1, positions: int = 64, dropout: float = 0.0) -> None:
        super().__init__()
        self.age = AgeEncoding(dim)
        self.position = nn.Parameter(torch.randn(positions, dim) * 0.02)
        self.blocks = nn.ModuleList(TransformerBlock(dim, heads, dropout) for _ in range(blocks))

    def forward(self, events: Tokens, ages: Tensor) -> EncodedHistory:
        order = ages_in_order(events.mask).clamp(max=len(self.position) - 1)
        values = events.clean().values + self.position[order] + self.age(ages, events.mask)
        tokens = Tokens(values, events.mask).clean()
        length = values.shape[1]
        earlier = torch.ones(length, length, dtype=torch.bool, device=values.device).tril()
        for block in self.blocks:
            tokens = block(tokens, None, earlier)
        return EncodedHistory(tokens, last(to_front(tokens)[0]))


class AgeEncoding(nn.Module):
    """Sines of the logarithm of an age, of learned frequencies (Kazemi et al. 2019, Time2Vec)."""

    def __init__(self, dim: int, frequencies: int = 8) -> None:
        super().__init__()
        self.frequency = nn.Parameter(torch.arange(1, frequencies + 1) * 0.3)
        self.phase = nn.Parameter(torch.zeros(frequencies))
        self.layer = nn.Linear(frequencies, dim, bias=False)

    def forward(self, ages: Tensor, mask: Tensor) -> Tensor:
        """(B, L) float in days, negative ones counted as 0, to (B, L, D)."""
        logarithms = ages.masked_fill(~mask, 0.0).clamp(min=0).log1p()
        result: Tensor = self.layer(torch.sin(logarithms[..., None] * self.frequency + self.phase))
        return result
