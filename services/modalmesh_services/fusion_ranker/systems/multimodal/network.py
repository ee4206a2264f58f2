"""From a user's events and candidates, all as item vectors and vocabulary ids, to logits."""

import math
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn

from modalmesh_services.fusion_ranker.models.parts.collaborative import (
    COLD,
    CollaborativeSignal,
    DeepCollaborativeFiltering,
    ItemItem,
    MatrixFactorisation,
)
from modalmesh_services.fusion_ranker.models.parts.head import ProbabilityHead, TargetAttention
from modalmesh_services.fusion_ranker.models.parts.history import (
    EncodedHistory,
    HistoryEncoder,
    MeanHistory,
    RecurrentHistory,
    TransformerHistory,
)
from modalmesh_services.fusion_ranker.models.parts.tokens import Tokens
from modalmesh_services.fusion_ranker.systems.multimodal.configuration import Configuration
from modalmesh_services.fusion_ranker.systems.multimodal.encoding_items import ItemEncoder
from modalmesh_services.fusion_ranker.systems.multimodal.items import Layout


@dataclass(frozen=True, slots=True)
class Events:
    """B users' newest events, the oldest first. `vectors` (B, L, D) of their items, `ids` (B, L) int64 in the
    vocabulary, COLD for those that it hasn't; `ages` (B, L) float in days; `positive`, `mask` (B, L) bool.
    """

    vectors: Tensor
    ids: Tensor
    ages: Tensor
    positive: Tensor
    mask: Tensor

    def __getitem__(self, rows: Any) -> Self:
        return type(self)(self.vectors[rows], self.ids[rows], self.ages[rows], self.positive[rows], self.mask[rows])


class Popularity(CollaborativeSignal):
    """How many liked an item: the logarithm, in standard deviations above the vocabulary's mean."""

    logarithms: Tensor

    def __init__(self, items: int) -> None:
        super().__init__()
        self.register_buffer("logarithms", torch.zeros(items + 1))

    @torch.no_grad()
    def start_from(self, counts: Tensor) -> None:
        """(V,) int64 or float."""
        if len(counts):
            logarithms = counts.float().log1p()
            spread = logarithms.std(correction=0).clamp(min=1e-6)
            self.logarithms[1:] = (logarithms - logarithms.mean()) / spread

    def score(self, history: Tensor, candidates: Tensor) -> Tensor:
        return self.logarithms[candidates]


class Network(nn.Module):
    """`vocabulary` items have what is learned by id; the others are cold and known by their content alone."""

    calibration: Tensor

    def __init__(self, configuration: Configuration, layout: Layout, vocabulary: int) -> None:
        super().__init__()
        self.configuration, self.layout = configuration, layout
        dim, settings = configuration.dim, configuration.collaborative
        self.items = ItemEncoder(configuration, layout)
        self.ids = nn.Embedding(vocabulary + 1, dim, padding_idx=COLD) if settings.ids else None
        if self.ids is not None:
            nn.init.normal_(self.ids.weight, std=0.1)
            nn.init.zeros_(self.ids.weight[COLD])
        self.liked = nn.Embedding(2, dim)
        self.history = _history(configuration)
        self.signals = nn.ModuleDict({name: _signal(configuration, name, vocabulary) for name in settings.signals})
        self.trust = nn.ParameterDict({name: nn.Parameter(torch.ones(())) for name in self.signals})
        self.attention = TargetAttention(dim, configuration.head.attention) if configuration.head.attention else None
        compared = 2 if self.attention is None else 3
        inputs = (2 * compared - 1) * dim + len(self.signals) + 1
        self.head = ProbabilityHead(inputs, configuration.head.hidden, configuration.head.dropout)
        # What a logit is multiplied by and what is added, so that its sigmoid is a probability.
        self.register_buffer("calibration", torch.tensor([1.0, 0.0]))

    def with_ids(self, contents: Tensor, ids: Tensor) -> Tensor:
        """Items by content (..., D) and ids (...) int64 to (..., D)."""
        if self.ids is None:
            return contents
        learned: Tensor = self.ids(ids)
        return contents + learned

    def read(self, events: Events) -> EncodedHistory:
        """What the events say of their users. `vectors` of the events have what is learned by id."""
        vectors = events.vectors + self.liked(events.positive.long())
        read: EncodedHistory = self.history(Tokens(vectors, events.mask), events.ages)
        return read

    def retrieved(self, user: Tensor, candidates: Tensor) -> Tensor:
        """Users (B, D) and candidates (B, C, D) to (B, C): by dot product alone."""
        return torch.einsum("bd,bcd->bc", user, candidates) / math.sqrt(user.shape[-1])

    def logits(self, events: Events, read: EncodedHistory, candidates: Tensor, ids: Tensor) -> Tensor:
        """Candidates (B, C, D), with what is learned by id, and their ids (B, C) to (B, C)."""
        user = read.user[:, None].expand_as(candidates)
        known = [candidates, user, user * candidates]
        if self.attention is not None:
            interest = self.attention(candidates, read.events)
            known += [interest, interest * candidates]
        near = self.retrieved(read.user, candidates)
        met = events.ids.masked_fill(~(events.mask & events.positive), COLD)
        signals = [signal(met, ids) for signal in self.signals.values()]
        result: Tensor = self.head([*known, near[..., None], *signals])
        for weight, signal in zip(self.trust.values(), signals, strict=True):
            result = result + weight * signal[..., 0]
        return result + near

    def calibrated(self, logits: Tensor) -> Tensor:
        """The logit of a probability."""
        return logits * self.calibration[0] + self.calibration[1]


def _history(configuration: Configuration) -> HistoryEncoder:
    settings, dim = configuration.history, configuration.dim
    if settings.kind == "transformer":
        return TransformerHistory(dim, settings.heads, settings.blocks, dropout=settings.dropout)
    if settings.kind == "mean":
        return MeanHistory()
    return RecurrentHistory(dim, nn.GRU if settings.kind == "gru" else nn.LSTM)


def _signal(configuration: Configuration, name: str, vocabulary: int) -> CollaborativeSignal:
    settings = configuration.collaborative
    match name:
        case "popularity":
            return Popularity(vocabulary)
        case "factorisation":
            return MatrixFactorisation(vocabulary, settings.dim)
        case "deep":
            return DeepCollaborativeFiltering(vocabulary, settings.dim)
    similarities = ItemItem(vocabulary, settings.neighbours)
    # They are counted from the users that training shows again: learned on, they would know these by heart.
    similarities.weight.requires_grad_(False)
    return similarities
