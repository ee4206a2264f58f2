"""What people like these days, whoever asks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import DAY_MS, Floats, Indexes, Times
from modalmesh_services.fusion_ranker.evaluation.baselines.interface import Baseline, WithoutContent
from modalmesh_services.fusion_ranker.systems.interface import Training


@dataclass(frozen=True, slots=True)
class RecentPopularity(Baseline):
    """Likes before the request, each halved in weight every `half_life_days`."""

    half_life_days: float = 365.0
    name: str = "recent_popularity"
    version: int = 1

    def fit(self, training: Training) -> "FittedRecentPopularity":
        liked = [history[history.positive] for history in training.histories]
        items = np.concatenate([np.zeros(0, np.int32), *(history.items for history in liked)])
        times = np.concatenate([np.zeros(0, np.int64), *(history.times_ms for history in liked)])
        return FittedRecentPopularity(items, times, len(training.catalogue), self.half_life_days)


@dataclass(frozen=True, slots=True, eq=False)
class FittedRecentPopularity(WithoutContent):
    """`items` (E,) int32 and `times_ms` (E,) int64 of all likes."""

    items: Indexes
    times_ms: Times
    item_count: int
    half_life_days: float

    def score(self, histories: Sequence[History], times_ms: Times) -> Floats:
        return np.stack([self._counts(now) for now in times_ms.tolist()])

    def _counts(self, now_ms: int) -> Floats:
        """(N,) float32."""
        before = self.times_ms <= now_ms
        weights = 0.5 ** ((now_ms - self.times_ms[before]) / (self.half_life_days * DAY_MS))
        return np.asarray(np.bincount(self.items[before], weights, self.item_count), np.float32)
