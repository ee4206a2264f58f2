from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from modalmesh_services.text_encoder.core import TextEncoder
from modalmesh_services.text_encoder.loading import LoadedText, load
from modalmesh_services.text_encoder.settings import TextEncoderSettings
from modalmesh_services.text_encoder.tokens import Tokeniser

from .tiny import save_model


@pytest.fixture(scope="session")
def packaged() -> LoadedText:
    """The packaged MiniLM as it runs by default."""
    return load(TextEncoderSettings())


@pytest.fixture(scope="session")
def packaged_fp32() -> LoadedText:
    return load(TextEncoderSettings(precision="fp32"))


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("tiny-bert"))


@pytest.fixture
async def encoder(packaged: LoadedText) -> AsyncIterator[TextEncoder]:
    core = TextEncoder(packaged, TextEncoderSettings(batch_inputs=8))
    await core.start()
    yield core
    await core.stop()


@pytest.fixture(scope="session")
def packaged_tokeniser(packaged: LoadedText) -> Tokeniser:
    return packaged.tokeniser
