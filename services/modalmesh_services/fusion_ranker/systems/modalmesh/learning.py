"""The default system learns: its warm half for items that others rated, its cold half for the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np

from modalmesh_services.fusion_ranker.dataset import Catalogue, History
from modalmesh_services.fusion_ranker.dataset.arrays import Floats, Times
from modalmesh_services.fusion_ranker.systems.interface import Parts, Step, Training, Watch
from modalmesh_services.fusion_ranker.systems.modalmesh.cold import learning as cold
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.learning import FittedCold
from modalmesh_services.fusion_ranker.systems.modalmesh.parts import join
from modalmesh_services.fusion_ranker.systems.modalmesh.settings import Settings
from modalmesh_services.fusion_ranker.systems.modalmesh.warm import learning as warm
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.keeping import KeptWarm
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.learning import FittedWarm


def system(name: str, changes: Mapping[str, object] = MappingProxyType({})) -> "ModalMesh":
    """Raises:
    InvalidInput: a change names no setting, or its value is wrong.
    """
    return ModalMesh(name, Settings.changed(changes))


@dataclass(frozen=True, slots=True)
class ModalMesh:
    """`version` is raised when the code comes to give other scores."""

    name: str
    settings: Settings
    version: int = 2

    @property
    def configuration(self) -> Mapping[str, object]:
        return self.settings.document()

    def fit(self, training: Training) -> "TrainedModalMesh":
        return self._fit(training, Watch(_ignore))

    def fit_watched(self, training: Training, watch: Watch) -> "TrainedModalMesh":
        """Both halves at once. Networks of warm items that are done already are not learned again."""
        trained = self._fit(training, watch)
        watch.tell(Step("cold items", len(trained.cold.item_ids), len(training.catalogue)))
        return trained

    def _fit(self, training: Training, watch: Watch) -> "TrainedModalMesh":
        return TrainedModalMesh(training, warm.fit(training, self.settings, watch), training.catalogue)


@dataclass(frozen=True, eq=False)
class TrainedModalMesh:
    """Both halves score in log odds that a user likes an item, so that they can be compared."""

    training: Training
    warm: FittedWarm
    served: Catalogue

    @cached_property
    def cold(self) -> FittedCold:
        """Learned when it is first needed: where all items are trainable, no score is its own."""
        fitted = cold.fit(self.training)
        return fitted if self.served is self.training.catalogue else fitted.serving(self.served)

    def score(self, histories: Sequence[History], times_ms: Times) -> Floats:
        scores = self.warm.score(histories, times_ms)
        unknown = ~self.training.trainable
        if unknown.any():
            scores[:, unknown] = self.cold.score(histories, times_ms)[:, unknown]
        return np.asarray(scores, np.float32)

    def serving(self, catalogue: Catalogue) -> "TrainedModalMesh":
        if catalogue is self.served:
            return self
        return replace(self, warm=self.warm.serving(catalogue), served=catalogue)

    def parts(self) -> Parts:
        return join(KeptWarm.of(self.warm), self.cold.parts())


def _ignore(step: Step) -> None:
    """Nobody follows."""
