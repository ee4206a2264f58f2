"""Users whose end is held out of training, to tell when to stop and how logits become probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from modalmesh_services.fusion_ranker import ranking
from modalmesh_services.fusion_ranker.dataset import History, liked_anew, split_point
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes, Times
from modalmesh_services.fusion_ranker.systems.platt import Line

_KNOWN_SHARE = 0.8
_LEAST_POSITIVES = 5
_LARGEST_SHARE = 0.25
"""Of all users, at most so many are held out."""
_LENGTH = 10
_LEAST_SLOPE = 0.05
"""In logits a standard deviation of scores, however little scores say of those held out."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """U users: what is known of each, (U,) int64 when it ends, and what was liked later."""

    histories: tuple[History, ...]
    times_ms: Times
    targets: tuple[Indexes, ...]

    @classmethod
    def draw(cls, histories: Sequence[History], most: int, seed: int) -> tuple[Self, tuple[History, ...]]:
        """And all histories as they remain for training."""
        random = np.random.default_rng((seed, 1))
        most = min(most, int(_LARGEST_SHARE * len(histories)))
        kept, held, targets = list(histories), list[History](), list[Indexes]()
        for row in random.permutation(len(histories)).tolist():
            if len(held) == most:
                break
            history = histories[row]
            if np.count_nonzero(history.positive) < _LEAST_POSITIVES:
                continue
            point = split_point(history, _KNOWN_SHARE)
            later = liked_anew(history[:point], history[point:])
            if len(later):
                kept[row] = history[:point]
                held.append(history[:point])
                targets.append(later)
        times = np.array([history.last_time_ms for history in held], np.int64)
        return cls(tuple(held), times, tuple(targets)), tuple(kept)

    def __len__(self) -> int:
        return len(self.histories)

    def ndcg(self, scores: Floats, ranked: Flags) -> float:
        """NDCG@10 of `scores` (U, N) over the items of `ranked` (N,) bool that a user hasn't met."""
        lists = ranking.ranked_lists(scores, self.histories, ranked, _LENGTH)
        counts = np.array([len(own) for own in self.targets], np.int32)
        return float(ranking.ndcg(ranking.hits(lists, self.targets), counts).mean())

    def calibration(self, scores: Floats, ranked: Flags) -> tuple[float, float]:
        """Slope and shift of a logistic regression of what was liked on logits (U, N) (Platt 1999)."""
        logits, liked = [], []
        for own, targets, row in zip(self.histories, self.targets, scores, strict=True):
            unseen = ranked.copy()
            unseen[own.items] = False
            logits.append(row[unseen])
            liked.append(np.isin(np.flatnonzero(unseen), targets))
        return _line(np.concatenate(logits), np.concatenate(liked))


def _line(logits: Floats, liked: Flags) -> tuple[float, float]:
    # As Platt does, a little away from 0 and 1: then there is a finite best.
    positives = int(liked.sum())
    labels = np.where(liked, (positives + 1) / (positives + 2), 1 / (len(liked) - positives + 2))
    return Line.fitted(logits, labels).no_flatter_than(_LEAST_SLOPE)
