"""The encoders' networks on a device that no tensor of the CPU may meet."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from modalmesh_services.image_encoder import networks  # noqa: F401 - makes torchvision importable for what follows
from modalmesh_services.image_encoder.loading import load as load_image
from modalmesh_services.image_encoder.settings import ImageEncoderSettings
from modalmesh_services.text_encoder.loading import load as load_text
from modalmesh_services.text_encoder.settings import TextEncoderSettings
from tests.fake_device import FakeDevice, fake_cuda
from tests.unit.image_encoder.saved import save as save_image_model
from tests.unit.image_encoder.test_image_backends import encode as encode_pictures
from tests.unit.image_encoder.test_image_backends import pictures
from tests.unit.text_encoder.test_text_backends import TEXTS
from tests.unit.text_encoder.test_text_backends import encode as encode_texts
from tests.unit.text_encoder.tiny import save_model

TEXT_FAMILIES = ["bert", "roberta", "distilbert", "mpnet", "electra", "xlm-roberta"]


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDevice]:
    with fake_cuda(monkeypatch) as fake:
        yield fake


@pytest.mark.parametrize("family", TEXT_FAMILIES)
def test_texts_are_encoded_on_a_device_as_on_the_cpu(family: str, tmp_path: Path, device: FakeDevice) -> None:
    options = {"model": str(save_model(tmp_path / family, family)), "precision": "fp32", "backend": "torch"}
    ours = load_text(TextEncoderSettings.model_validate({**options, "device": "cuda:0"}))
    theirs = load_text(TextEncoderSettings.model_validate({**options, "device": "cpu"}))
    device.sent.clear()
    for found, expected in zip(encode_texts(ours, TEXTS), encode_texts(theirs, TEXTS), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert device.sent
    assert ours.placement.build.endswith("/cuda/fp32")


@pytest.mark.parametrize("model", ["packaged", "vit", "clip", "siglip"])
def test_pictures_are_encoded_on_a_device_as_on_the_cpu(model: str, tmp_path: Path, device: FakeDevice) -> None:
    folder = model if model == "packaged" else str(save_image_model(tmp_path / model, model))
    options = {"model": folder, "precision": "fp32", "backend": "torch"}
    ours = load_image(ImageEncoderSettings.model_validate({**options, "device": "cuda:0"}))
    theirs = load_image(ImageEncoderSettings.model_validate({**options, "device": "cpu"}))
    device.sent.clear()
    for found, expected in zip(encode_pictures(ours, pictures()), encode_pictures(theirs, pictures()), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)
    assert device.sent
