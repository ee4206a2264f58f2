from types import MappingProxyType

import pytest

from modalmesh_services.fusion_ranker import systems
from modalmesh_services.fusion_ranker.systems import SystemKind
from tests.unit.fusion_ranker.tiny.learning import NAME


def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny system stands beside the real ones."""
    kind = SystemKind("tests.unit.fusion_ranker.tiny")
    monkeypatch.setattr(systems, "SYSTEMS", MappingProxyType({**systems.SYSTEMS, NAME: kind}))
