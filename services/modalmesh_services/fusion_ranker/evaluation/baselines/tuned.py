"""The best of several configurations on a slice of the training data that comes later than the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from modalmesh_services.fusion_ranker.evaluation.measuring import measure
from modalmesh_services.fusion_ranker.evaluation.splits import Case, Scored, Split, cut, enough
from modalmesh_services.fusion_ranker.systems.interface import Fitted, System, Training

CHOSEN_BY = "ndcg@10"
_COLD_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Tuned:
    """Fits the candidate that does best on each user's last fifth of positives; nothing of the test is seen."""

    name: str
    candidates: Sequence[System]
    version: int = 1

    @property
    def configuration(self) -> Mapping[str, object]:
        candidates = [(each.name, each.version, dict(each.configuration)) for each in self.candidates]
        return MappingProxyType({"candidates": candidates})

    def fit(self, training: Training) -> Fitted:
        return self.choose(training).fit(training)

    def choose(self, training: Training) -> System:
        """The first candidate where nobody has enough positives to try them on."""
        split = validation(training)
        if not len(split.scored):
            return self.candidates[0]
        figures = [measure(each.fit(split.training), split).figures[CHOSEN_BY].mean() for each in self.candidates]
        return self.candidates[int(np.argmax(figures))]


def validation(training: Training) -> Split:
    """A split of the training data that asks what the test will ask: where items are cold there, some are here."""
    return _later(training) if training.trainable.all() else _cold(training)


def _cold(training: Training) -> Split:
    """A share of the trainable items leaves all histories and is ranked alone."""
    rows = np.flatnonzero(training.trainable)
    cold = np.zeros(len(training.trainable), np.bool_)
    cold[np.random.default_rng(0).permutation(rows)[: round(_COLD_SHARE * len(rows))]] = True
    warm = [history[~cold[history.items]] for history in training.histories]
    cases = [
        Case.of(known[known.positive], whole[cold[whole.items]])
        for known, whole in zip(warm, training.histories, strict=True)
    ]
    inner = replace(training, histories=tuple(filter(len, warm)), trainable=training.trainable & ~cold)
    return Split("validation", inner, Scored.collect(cases), training.catalogue, cold)


def _later(training: Training) -> Split:
    """Every history that is long enough is cut once more. Without order, which fifth is held out is arbitrary."""
    cases: list[Case] = []
    histories = []
    for history in training.histories:
        shuffled = history if training.has_order else history[_shuffle(len(history))]
        case = cut(shuffled) if enough(history) else None
        cases += [case] if case else []
        histories.append(case.history if case else history)
    cut_training = replace(training, histories=tuple(histories))
    return Split("validation", cut_training, Scored.collect(cases), training.catalogue, training.trainable)


def _shuffle(count: int) -> np.typing.NDArray[np.int32]:
    return np.random.default_rng(count).permutation(count).astype(np.int32)
