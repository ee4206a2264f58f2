"""Ways to learn a ranker from a catalogue and its histories, each by its name.

Named here by their modules, so that a ranker that serves one loads no other.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from modalmesh.errors import InvalidInput
from modalmesh_services.common.backends.device import CPU, Device
from modalmesh_services.fusion_ranker.models.interface import RankerModel
from modalmesh_services.fusion_ranker.systems.interface import MadeFor, Parts, System


@dataclass(frozen=True, slots=True)
class SystemKind:
    """A package of systems.

    Its module `learning` has `system(name, changes)`, its module `serving` has
    `ranker(parts, made_for, device)`.
    """

    package: str

    def system(self, name: str, changes: Mapping[str, object] = MappingProxyType({})) -> System:
        """What learns. `changes` are of its configuration, as in JSON or TOML, such as epochs or seed.

        Raises:
            InvalidInput: the configuration has no such key, or not with such a value; names it.
        """
        return cast(System, importlib.import_module(f"{self.package}.learning").system(name, changes))

    def ranker(self, parts: Parts, made_for: MadeFor, device: Device = CPU) -> RankerModel:
        """What ranks, of parts that such a system gave, on the device as far as the system's ranker uses one.

        Raises:
            ValueError: these parts are not whole.
        """
        return cast(RankerModel, importlib.import_module(f"{self.package}.serving").ranker(parts, made_for, device))


DEFAULT = "modalmesh"

_HERE = "modalmesh_services.fusion_ranker.systems"

SYSTEMS: Mapping[str, SystemKind] = MappingProxyType(
    {
        DEFAULT: SystemKind(f"{_HERE}.modalmesh"),
        **dict.fromkeys(
            (
                "MultiModalAttention",
                "FeatureAligner",
                "MultiModalVideoRecommender",
                "MultiModalProductRecommender",
                "gan-completion",
            ),
            SystemKind(f"{_HERE}.multimodal"),
        ),
    }
)


def kind_of(name: str) -> SystemKind:
    """Raises:
    InvalidInput: there is no such system.
    """
    if name not in SYSTEMS:
        raise InvalidInput("system", f"is {name!r}; there are {', '.join(SYSTEMS)}", reason="UNKNOWN_SYSTEM")
    return SYSTEMS[name]
