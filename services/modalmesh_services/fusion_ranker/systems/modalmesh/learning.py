"""The default system learns: the warm half for items that others rated, the cold half for the rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from modalmesh_services.fusion_ranker.systems.interface import Fitted, Training
from modalmesh_services.fusion_ranker.systems.modalmesh.warm import learning as warm


@dataclass(frozen=True, slots=True)
class ModalMesh:
    name: str = "modalmesh"
    version: int = 1

    @property
    def configuration(self) -> Mapping[str, object]:
        return MappingProxyType({})

    def fit(self, training: Training) -> Fitted:
        return warm.fit(training)


def system(name: str) -> ModalMesh:
    return ModalMesh(name)
