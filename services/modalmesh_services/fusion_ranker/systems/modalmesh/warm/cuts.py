"""The training histories as states to learn from: their beginnings, with what was liked later as targets."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import Indexes

_SHARES = (0.8, 0.65, 0.5)
_LEAST_LIKED = 4


class Lesson(NamedTuple):
    """A history that is known, and the items that were liked later."""

    history: History
    targets: Indexes


def in_time(histories: Sequence[History]) -> list[Lesson]:
    """Every history, cut where a share of what was liked is reached."""
    return [lesson for share in _SHARES for history in histories if (lesson := _cut(history, share))]


def _cut(history: History, share: float) -> Lesson | None:
    places = np.flatnonzero(history.positive)
    count = int(np.floor(len(places) * share + 1e-9))
    if count < _LEAST_LIKED:
        return None
    point = int(places[count - 1]) + 1
    return _lesson(history[:point], history[point:])


def _lesson(known: History, later: History) -> Lesson | None:
    targets = np.setdiff1d(later.liked, known.items).astype(np.int32)
    return Lesson(known, targets) if len(targets) else None
