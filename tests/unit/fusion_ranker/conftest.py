import pytest

from tests.unit.fusion_ranker.tiny.registered import register


@pytest.fixture
def tiny_system(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)
