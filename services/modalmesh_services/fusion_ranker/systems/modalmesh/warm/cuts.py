"""The training histories as states to learn from: their beginnings, with what was liked later as targets."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from modalmesh_services.fusion_ranker.dataset import History, liked_anew, split_point
from modalmesh_services.fusion_ranker.dataset.arrays import Floats, Indexes
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import Crowd

_SHARES = (0.8, 0.65, 0.5)
_LEAST_LIKED = 4
_SEEDS = (0, 1, 2)
_HIDDEN, _LEANING, _AXES = 0.2, 1.5, 25


class Lesson(NamedTuple):
    """A history that is known, and the items that were liked later."""

    history: History
    targets: Indexes


def in_time(histories: Sequence[History]) -> list[Lesson]:
    """Every history, cut where a share of what was liked is reached."""
    return [lesson for share in _SHARES for history in histories if (lesson := _cut(history, share))]


def hidden(histories: Sequence[History], crowd: Crowd) -> list[Lesson]:
    """Without order: a fifth of each history, once a seed, more likely what lies in one direction of the crowd's taste.
    What comes later is rarely a fair sample.
    """
    axes = _tastes(crowd)
    lessons = []
    for seed in _SEEDS:
        random = np.random.default_rng(seed)
        for history in histories:
            lean = axes[history.items] @ random.normal(size=axes.shape[1])
            lean = _LEANING * (lean - lean.mean()) / max(float(lean.std()), 1e-9)
            order = np.argsort(-(lean + random.gumbel(size=len(lean))), kind="stable")
            away = np.isin(np.arange(len(order)), order[: round(_HIDDEN * len(order))])
            known = history[~away]
            if np.count_nonzero(known.positive) >= _LEAST_LIKED and (lesson := _lesson(known, history[away])):
                lessons.append(lesson)
    return lessons


def _tastes(crowd: Crowd) -> Floats:
    """(N, <= 25): the items on the first principal axes of what is rated."""
    rows = crowd.rated.astype(np.float64)
    values, axes = np.linalg.eigh((rows @ rows.T).toarray())
    kept = values[::-1][:_AXES] > 1e-9
    found = rows.T @ axes[:, ::-1][:, :_AXES][:, kept]
    return np.asarray(found / np.sqrt(values[::-1][:_AXES][kept]), np.float32)


def _cut(history: History, share: float) -> Lesson | None:
    point = split_point(history, share)
    if np.count_nonzero(history.positive[:point]) < _LEAST_LIKED:
        return None
    return _lesson(history[:point], history[point:])


def _lesson(known: History, later: History) -> Lesson | None:
    targets = liked_anew(known, later)
    return Lesson(known, targets) if len(targets) else None
