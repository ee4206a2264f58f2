"""The best of several configurations on a slice of the training data that comes later than the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from modalmesh_services.fusion_ranker.evaluation.measuring import quality
from modalmesh_services.fusion_ranker.evaluation.splits import Split, cold_split, later_split
from modalmesh_services.fusion_ranker.systems.interface import Fitted, System, Training


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
        figures = [quality(each.fit(split.training), split) for each in self.candidates]
        return self.candidates[int(np.argmax(figures))]


def validation(training: Training) -> Split:
    """A split of the training data that asks what the test will ask: where items are cold there, some are here."""
    return (
        later_split("validation", training) if training.trainable.all() else cold_split("validation", training, seed=0)
    )
