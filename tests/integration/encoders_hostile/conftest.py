from collections.abc import AsyncIterator

import pytest

from .processes import IMAGE, TEXT, EncoderProcess, encoder_process


@pytest.fixture(scope="package")
async def text_encoder(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EncoderProcess]:
    """One for all: whatever a test sent, the next one finds it well."""
    async with encoder_process(TEXT, tmp_path_factory.mktemp("text") / "log") as encoder:
        yield encoder


@pytest.fixture(scope="package")
async def image_encoder(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EncoderProcess]:
    async with encoder_process(IMAGE, tmp_path_factory.mktemp("image") / "log") as encoder:
        yield encoder
