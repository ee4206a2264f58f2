"""One user's history cut in two, and the splits that protocols give."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np

from modalmesh_services.fusion_ranker.dataset import Catalogue, History, liked_anew, split_point
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Indexes, Times
from modalmesh_services.fusion_ranker.systems.interface import Training

LEAST_POSITIVES = 10
HISTORY_SHARE = 0.8
COLD_SHARE = 0.2


class Case(NamedTuple):
    """One user: what is known, and of what is held out the items that were liked and those that weren't."""

    history: History
    targets: Indexes
    disliked: Indexes

    @classmethod
    def of(cls, known: History, held_out: History) -> Self:
        """What is known is never held out."""
        liked = liked_anew(known, held_out)
        disliked = np.setdiff1d(held_out.items, np.concatenate([known.items, liked]))
        return cls(known, liked, disliked.astype(np.int32))


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Users to score: each one's known history, the items that count as hits, the held-out ones that weren't liked,
    and when he asks, (U,) int64.
    """

    histories: tuple[History, ...]
    targets: tuple[Indexes, ...]
    disliked: tuple[Indexes, ...]
    times_ms: Times

    @classmethod
    def collect(cls, cases: list[Case]) -> Self:
        """Of those that have a history and a target."""
        whole = [case for case in cases if len(case.history) and len(case.targets)]
        return cls(
            tuple(case.history for case in whole),
            tuple(case.targets for case in whole),
            tuple(case.disliked for case in whole),
            np.array([case.history.last_time_ms for case in whole], np.int64),
        )

    def take(self, rows: Sequence[int]) -> Self:
        return type(self)(
            tuple(self.histories[row] for row in rows),
            tuple(self.targets[row] for row in rows),
            tuple(self.disliked[row] for row in rows),
            self.times_ms[list(rows)],
        )

    def __len__(self) -> int:
        return len(self.histories)


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Learn from `training`, then rank the items of `ranked` (N,) bool that a user's history doesn't name.

    `served` is what the catalogue says while users are scored; a part of what it says in training where that is lost.
    """

    name: str
    training: Training
    scored: Scored
    served: Catalogue
    ranked: Flags


def enough(history: History, least: int = LEAST_POSITIVES) -> bool:
    return int(history.positive.sum()) >= least


def cut(history: History) -> Case:
    """The known part, and what came later."""
    point = split_point(history, HISTORY_SHARE)
    return Case.of(history[:point], history[point:])


def later_split(name: str, training: Training) -> Split:
    """Every history that is long enough is cut, what came later is asked for; the others are trained on whole.

    Without order, which part is held out is arbitrary.
    """
    cases: list[Case] = []
    histories: list[History] = []
    for history in training.histories:
        case = cut(history if training.has_order else _shuffled(history)) if enough(history) else None
        cases += [case] if case else []
        histories.append(case.history if case else history)
    known = replace(training, histories=tuple(histories))
    return Split(name, known, Scored.collect(cases), training.catalogue, training.trainable)


def cold_split(name: str, training: Training, seed: int) -> Split:
    """A share of the trainable items leaves all histories and is ranked alone; a profile is all other positives."""
    rows = np.flatnonzero(training.trainable)
    cold = np.zeros(len(training.trainable), np.bool_)
    cold[rows[random_share(len(rows), COLD_SHARE, np.random.default_rng(seed))]] = True
    warm = [history[~cold[history.items]] for history in training.histories]
    cases = [
        Case.of(known[known.positive], whole[cold[whole.items]])
        for known, whole in zip(warm, training.histories, strict=True)
    ]
    inner = replace(training, histories=tuple(filter(len, warm)), trainable=training.trainable & ~cold)
    return Split(name, inner, Scored.collect(cases), training.catalogue, cold)


def random_share(count: int, share: float, random: np.random.Generator) -> Flags:
    """(count,) bool, the rounded share of them true."""
    chosen = np.zeros(count, np.bool_)
    chosen[random.permutation(count)[: round(share * count)]] = True
    return chosen


def _shuffled(history: History) -> History:
    return history[np.random.default_rng(len(history)).permutation(len(history)).astype(np.int32)]
