"""What all baselines share: a configuration of their own fields, and indifference to what a catalogue has lost."""

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, ClassVar, Self

from modalmesh_services.fusion_ranker.dataset import Catalogue

_SAID_ELSEWHERE = ("name", "version")


class Baseline:
    """Base of the dataclasses that learn."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def configuration(self) -> Mapping[str, object]:
        """All fields but name and version."""
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        return MappingProxyType({name: value for name, value in own.items() if name not in _SAID_ELSEWHERE})


class WithoutContent:
    """Base of what has learned from histories alone."""

    __slots__ = ()

    def serving(self, catalogue: Catalogue) -> Self:
        """Texts and pictures that were lost change nothing."""
        return self
