import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.image_encoder.loading import LoadedImage, load
from modalmesh_services.image_encoder.settings import ImageEncoderSettings

from .pictures import draw, noise
from .saved import save

zoo: Any = torchvision.models  # it has no types


def settings(cache: Path, **options: object) -> ImageEncoderSettings:
    return ImageEncoderSettings.model_validate({"model_cache": str(cache), **options})


def encode(loaded: LoadedImage, pictures: Sequence[Image.Image]) -> tuple[FloatMatrix, FloatMatrix]:
    pooled, grids = loaded.model([loaded.preprocess(picture)[0] for picture in pictures], True)
    assert grids is not None
    return pooled, grids


def pictures() -> list[Image.Image]:
    """From flat to fine."""
    sizes = (1, 2, 3, 7, 20, 60, 200)
    return [draw(320, 240), *(noise(size, size, size).resize((320, 240)) for size in sizes)]


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> LoadedImage:
    return load(settings(tmp_path_factory.mktemp("cache"), backend="torch", precision="fp32"))


@pytest.mark.parametrize("build", ["torch/bf16", "openvino/fp32", "openvino/bf16"])
def test_every_build_of_the_packaged_network_keeps_its_vectors(tmp_path: Path, exact: LoadedImage, build: str) -> None:
    backend, precision = build.split("/")
    loaded = load(settings(tmp_path, backend=backend, precision=precision))
    (pooled, grids), (expected, expected_grids) = encode(loaded, pictures()), encode(exact, pictures())
    assert loaded.placement.build.split("-")[0] + "/" + loaded.placement.precision == build
    assert (pooled * expected).sum(axis=1).min() >= 0.999
    assert np.corrcoef(grids.ravel(), expected_grids.ravel())[0, 1] >= 0.999


def assert_openvino_agrees(cache: Path, **options: object) -> None:
    fast = load(settings(cache, backend="openvino", precision="fp32", **options))
    plain = load(settings(cache, backend="torch", precision="fp32", **options))
    (pooled, grids), (expected, expected_grids) = encode(fast, pictures()[:3]), encode(plain, pictures()[:3])
    assert np.allclose(pooled, expected, atol=1e-4)
    assert np.allclose(grids, expected_grids, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("family", ["vit", "clip", "siglip"])
def test_openvino_runs_transformers_networks(tmp_path: Path, family: str) -> None:
    assert_openvino_agrees(tmp_path / "cache", model=str(save(tmp_path / family, family)))


def tiny_vit(**options: Any) -> torch.nn.Module:
    """In place of torchvision's own, the smallest of which has 88 million parameters."""
    shape = {"num_layers": 2, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 32}
    network: torch.nn.Module = zoo.VisionTransformer(224, options["patch_size"], **shape)
    return network


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "vit_b_32"])
def test_openvino_runs_torchvisions_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(zoo.vision_transformer, "_vision_transformer", tiny_vit)
    torch.manual_seed(0)
    torch.save(zoo.get_model(name, weights=None).state_dict(), tmp_path / f"{name}.pth")
    assert_openvino_agrees(tmp_path / "cache", model=name, weights=str(tmp_path))


def test_a_second_start_has_the_same_network_and_preprocessing(tmp_path: Path) -> None:
    folder = save(tmp_path / "clip", "clip")
    first, second = (load(settings(tmp_path / "cache", model=str(folder))) for _ in range(2))
    assert (first.name, first.fingerprint, first.placement) == (second.name, second.fingerprint, second.placement)
    assert (first.preprocess, first.dim) == (second.preprocess, second.dim)
    assert np.allclose(encode(first, [draw()])[0], encode(second, [draw()])[0], atol=1e-3)


def test_a_second_start_of_the_packaged_network_imports_no_torch(tmp_path: Path) -> None:
    load(settings(tmp_path))
    code = (
        "import sys; from modalmesh_services.image_encoder import __main__, loading, settings;"
        "assert loading.load(settings.ImageEncoderSettings()).dim == 1280;"
        "assert not {'torch', 'transformers', 'torchvision'} & set(sys.modules)"
    )
    environment = {"MODALMESH_IMAGE_ENCODER_MODEL_CACHE": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)


def test_changed_preprocessing_is_seen(tmp_path: Path) -> None:
    folder = save(tmp_path / "vit", "vit")
    first = load(settings(tmp_path / "cache", model=str(folder)))
    config = folder / "preprocessor_config.json"
    config.write_text(config.read_text().replace("0.5", "0.4"))
    assert load(settings(tmp_path / "cache", model=str(folder))).fingerprint != first.fingerprint
