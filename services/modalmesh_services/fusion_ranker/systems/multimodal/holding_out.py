"""Users whose end is held out of training, to tell when to stop and how logits become probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes, Times

_KNOWN_SHARE = 0.8
_LEAST_POSITIVES = 5
_LARGEST_SHARE = 0.25
"""Of all users, at most so many are held out."""
_LENGTH = 10
_NEWTON_STEPS = 30


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
            places = np.flatnonzero(history.positive)
            if len(places) < _LEAST_POSITIVES:
                continue
            point = int(places[int(len(places) * _KNOWN_SHARE) - 1]) + 1
            later = np.setdiff1d(history[point:].liked, history.items[:point]).astype(np.int32)
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
        discounts = 1.0 / np.log2(np.arange(2, _LENGTH + 2))
        found = []
        for own, targets, row in zip(self.histories, self.targets, scores, strict=True):
            best = np.argsort(-self._masked(row, own, ranked), kind="stable")[:_LENGTH]
            gain = (np.isin(best, targets) * discounts[: len(best)]).sum()
            found.append(gain / discounts[: min(_LENGTH, len(targets))].sum())
        return float(np.mean(found))

    def calibration(self, scores: Floats, ranked: Flags) -> tuple[float, float]:
        """Slope and shift of a logistic regression of what was liked on logits (U, N) (Platt 1999)."""
        logits, liked = [], []
        for own, targets, row in zip(self.histories, self.targets, scores, strict=True):
            unseen = np.isfinite(self._masked(row, own, ranked))
            logits.append(row[unseen])
            liked.append(np.isin(np.flatnonzero(unseen), targets))
        return _platt(np.concatenate(logits).astype(np.float64), np.concatenate(liked).astype(np.float64))

    @staticmethod
    def _masked(row: Floats, own: History, ranked: Flags) -> Floats:
        masked = np.where(ranked, row, -np.inf)
        masked[own.items] = -np.inf
        return masked


def _platt(logits: "np.ndarray[tuple[int], np.dtype[np.float64]]", liked: object) -> tuple[float, float]:
    """By Newton's method; the slope stays positive, so that the order stays."""
    points = torch.stack([torch.from_numpy(logits), torch.ones(len(logits), dtype=torch.float64)], dim=1)
    labels = torch.as_tensor(liked)
    weights = torch.tensor([1.0, 0.0], dtype=torch.float64)
    ridge = 1e-3 * torch.eye(2, dtype=torch.float64)
    for _ in range(_NEWTON_STEPS):
        chances = (points @ weights).sigmoid()
        slope = points.T @ (chances - labels) + ridge @ (weights - torch.tensor([1.0, 0.0], dtype=torch.float64))
        curvature = (points * (chances * (1 - chances))[:, None]).T @ points + ridge
        weights = weights - torch.linalg.solve(curvature, slope)
    scale, shift = weights.tolist()
    return (scale, shift) if scale > 0 and np.isfinite(scale + shift) else (1.0, 0.0)
