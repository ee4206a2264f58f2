"""What is learned from: histories cut at random, with what was liked later as targets, and items drawn beside them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import DAY_MS, Flags, Indexes, Times
from modalmesh_services.fusion_ranker.systems.multimodal.configuration import TrainingSettings

NOTHING = -1
"""Stands for no item in arrays of rows."""
_SHORTEST_SHARE, _LONGEST_SHARE = 0.2, 0.95
"""How much of a history's positives may be known."""
_BY_POPULARITY = 0.5
"""The share of items beside the targets that are drawn by how often they are met, to this power."""


@dataclass(frozen=True, slots=True)
class Pasts:
    """B users' newest events, the oldest first: `rows` (B, L) int64 of the catalogue, NOTHING after a row's last;
    `ages` (B, L) float32 in days; `positive` (B, L) bool.
    """

    rows: Tensor
    ages: Tensor
    positive: Tensor

    @classmethod
    def of(cls, histories: Sequence[History], times_ms: Times, most: int, *, has_order: bool) -> Self:
        """Without order, events spread over the whole history stand for it."""
        kept = [_chosen(history, most, has_order) for history in histories]
        width = max((len(history) for history in kept), default=0)
        rows = np.full((len(kept), width), NOTHING, np.int64)
        ages, positive = np.zeros((len(kept), width), np.float32), np.zeros((len(kept), width), np.bool_)
        for place, (history, now) in enumerate(zip(kept, times_ms.tolist(), strict=True)):
            own = (place, slice(0, len(history)))
            rows[own], positive[own] = history.items, history.positive
            ages[own] = np.maximum(now - history.times_ms, 0) / DAY_MS if has_order else 0.0
        return cls(torch.from_numpy(rows), torch.from_numpy(ages), torch.from_numpy(positive))

    def to(self, device: torch.device) -> Self:
        return type(self)(self.rows.to(device), self.ages.to(device), self.positive.to(device))


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a batch that is learned from as a whole. Of B states: `targets` (B, T), rows of the catalogue, NOTHING
    beyond a state's own. `negatives` (K,), the same for all; `allowed` (B, K) bool: not of this user's. `chances` (K,)
    float32: how often each is drawn on average in K draws. `weight` is the shard's share of the batch.
    """

    pasts: Pasts
    targets: Tensor
    negatives: Tensor
    allowed: Tensor
    chances: Tensor
    weight: float

    def to(self, device: torch.device) -> Self:
        return type(self)(
            self.pasts.to(device),
            self.targets.to(device),
            self.negatives.to(device),
            self.allowed.to(device),
            self.chances.to(device),
            self.weight,
        )


class Sampler:
    """Draws the same for the same seed, epoch and place, however many processes share the work."""

    def __init__(
        self,
        histories: Sequence[History],
        trainable: Flags,
        settings: TrainingSettings,
        most_events: int,
        *,
        has_order: bool,
    ) -> None:
        self._histories = [history for history in histories if _learnable(history)]
        self._settings, self._most, self._has_order = settings, most_events, has_order
        items = np.concatenate([np.zeros(0, np.int32), *(history.items for history in histories)])
        met = np.bincount(items, minlength=len(trainable))[: len(trainable)] ** _BY_POPULARITY
        chances = _BY_POPULARITY * met / max(met.sum(), 1.0) + (1 - _BY_POPULARITY) * trainable / trainable.sum()
        self._chances = np.where(trainable, chances, 0.0)
        self._chances /= self._chances.sum()

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return -(-len(self._histories) * self._settings.states // self._settings.batch)

    def batches(self, epoch: int) -> Iterator[Sequence[Shard]]:
        """Each in its shards, of equal size but where the last batch doesn't fill them."""
        random = np.random.default_rng((self._settings.seed, epoch))
        order = np.concatenate([random.permutation(len(self._histories)) for _ in range(self._settings.states)])
        for start in range(0, len(order), self._settings.batch):
            chosen = order[start : start + self._settings.batch]
            parts = [part for part in np.array_split(chosen, self._settings.shards) if len(part)]
            yield [
                self._shard([self._histories[row] for row in part], len(part) / len(chosen), random) for part in parts
            ]

    def _shard(self, histories: Sequence[History], weight: float, random: np.random.Generator) -> Shard:
        cases = [self._cut(history, random) for history in histories]
        now = np.array([known.last_time_ms for known, _ in cases], np.int64)
        pasts = Pasts.of([known for known, _ in cases], now, self._most, has_order=self._has_order)
        targets = np.full((len(cases), self._settings.targets), NOTHING, np.int64)
        for row, (_, later) in enumerate(cases):
            drawn = random.permutation(later)[: self._settings.targets]
            targets[row, : len(drawn)] = drawn
        negatives = random.choice(len(self._chances), self._settings.negatives, p=self._chances)
        allowed = np.stack([~np.isin(negatives, history.items) for history in histories])
        chances = np.asarray(self._chances[negatives] * len(negatives), np.float32)
        return Shard(
            pasts,
            torch.from_numpy(targets),
            torch.from_numpy(negatives),
            torch.from_numpy(allowed),
            torch.from_numpy(chances),
            weight,
        )

    def _cut(self, history: History, random: np.random.Generator) -> tuple[History, Indexes]:
        """What is known, and what was liked later and not met before. Without order, any part is known."""
        if not self._has_order:
            history = history[random.permutation(len(history)).astype(np.int32)]
        places = np.flatnonzero(history.positive)
        share = random.uniform(_SHORTEST_SHARE, _LONGEST_SHARE)
        known = min(max(1, round(share * len(places))), len(places) - 1)
        point = int(places[known - 1]) + 1
        past, later = history[:point], np.setdiff1d(history[point:].liked, history.items[:point])
        # Where all that was liked later had been met before, the last of it is what is learned.
        return past, later if len(later) else history.liked[-1:]


def _learnable(history: History) -> bool:
    return int(history.positive.sum()) > 1


def _chosen(history: History, most: int, has_order: bool) -> History:
    if len(history) <= most:
        return history
    if has_order:
        return history[len(history) - most :]
    return history[np.linspace(0, len(history) - 1, most).round().astype(np.int32)]
