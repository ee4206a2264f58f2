from pathlib import Path

import pytest

from modalmesh_services.text_encoder.loading import LoadedText, load
from modalmesh_services.text_encoder.settings import TextEncoderSettings

from .made import text_base, text_folder


@pytest.fixture(autouse=True)
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Converting a network takes longer than training these; that other backends load it has tests of its own."""
    for service in ("TEXT", "IMAGE"):
        monkeypatch.setenv(f"MODALMESH_{service}_ENCODER_BACKEND", "torch")
        monkeypatch.setenv(f"MODALMESH_{service}_ENCODER_PRECISION", "fp32")


@pytest.fixture(scope="session")
def texts_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return text_folder(tmp_path_factory.mktemp("texts"))


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return text_base(tmp_path_factory.mktemp("bert") / "base")


def load_text(folder: Path, **options: object) -> LoadedText:
    return load(TextEncoderSettings.model_validate({"model": str(folder), **options}))
