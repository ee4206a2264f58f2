"""Which systems are measured under which protocols."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from modalmesh_services.fusion_ranker.systems.interface import Fitted, System, Training


@dataclass(frozen=True, slots=True)
class BestOnTest:
    """The one of several systems that is best on the test itself: an honest denominator, and no honest result."""

    name: str
    candidates: Sequence[System]


@dataclass(frozen=True, slots=True)
class Renamed:
    """A system under another name, so that two configurations of it can stand side by side."""

    name: str
    system: System

    @property
    def version(self) -> int:
        return self.system.version

    @property
    def configuration(self) -> Mapping[str, object]:
        return {"system": self.system.name, **self.system.configuration}

    def fit(self, training: Training) -> Fitted:
        return self.system.fit(training)


Measurable: TypeAlias = System | BestOnTest

Plan: TypeAlias = Mapping[str, Sequence[Measurable]]
"""By protocol, in the order in which both are measured and shown."""

WARM_REFERENCE, COLD_REFERENCE = "ease_best", "content_best"
NAMED_PROTOCOLS = ("users", "cold_items")
"""Those of the named systems, where all are measured: each takes minutes a split."""


def reference(protocol: str) -> str:
    """The system that others are compared with: the best without content, or where items are cold the best with it."""
    return COLD_REFERENCE if protocol.startswith("cold_items") else WARM_REFERENCE


def leaves(system: Measurable) -> Sequence[System]:
    """Those that are fitted."""
    return system.candidates if isinstance(system, BestOnTest) else (system,)


def every(systems: Sequence[Measurable], protocols: Sequence[str], named: Sequence[System] = ()) -> Plan:
    """`systems` under all `protocols`; `named` ones, after them, under NAMED_PROTOCOLS alone."""
    return {protocol: [*systems, *(named if protocol in NAMED_PROTOCOLS else ())] for protocol in protocols}
