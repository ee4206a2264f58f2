"""Networks of torchvision in a folder, as fine-tuning writes them, and heads behind any network."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor, nn

from modalmesh_services.image_encoder.loading import LoadedImage, load
from modalmesh_services.image_encoder.networks import head
from modalmesh_services.image_encoder.networks.torchvision_folder import TorchvisionNetwork, write
from modalmesh_services.image_encoder.settings import ImageEncoderSettings
from modalmesh_services.image_encoder.sources import PACKAGED, find_source

from .pictures import draw, noise
from .saved import save

zoo: Any = torchvision.models


def load_from(model: str | Path, cache: Path, backend: str = "torch") -> LoadedImage:
    options = {"model": str(model), "backend": backend, "precision": "fp32", "model_cache": str(cache)}
    return load(ImageEncoderSettings.model_validate(options))


def encode(loaded: LoadedImage) -> tuple[np.ndarray, np.ndarray]:
    pixels = [loaded.preprocess(picture)[0] for picture in (draw(), noise(), noise(80, 90, 3))]
    pooled, cells = loaded.model(pixels, True)
    assert cells is not None
    return pooled, cells


def written(folder: Path, network: nn.Module, name: str) -> Path:
    folder.mkdir()
    write(TorchvisionNetwork(name, network, find_source(PACKAGED).preprocess), folder)
    return folder


def resnet(folder: Path) -> Path:
    torch.manual_seed(0)
    return written(folder, zoo.get_model("resnet18", weights=None), "resnet18")


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_the_packaged_network_gives_the_same_vectors_from_a_folder(tmp_path: Path, backend: str) -> None:
    source = find_source(PACKAGED, fold=False)
    folder = written(tmp_path / "mine", source.network, source.torchvision_name)
    expected, _ = encode(load_from(PACKAGED, tmp_path / "cache"))
    loaded = load_from(folder, tmp_path / "cache", backend)
    assert (encode(loaded)[0] * expected).sum(axis=1).min() > 0.9999
    assert (loaded.name, loaded.dim, loaded.preprocess) == ("mine", 1280, source.preprocess)


def test_a_torchvision_network_from_a_folder_is_one_space_wherever_it_lies(tmp_path: Path) -> None:
    first, second = (find_source(str(resnet(tmp_path / name))) for name in ("a", "b"))
    assert first.fingerprint == second.fingerprint
    assert first.torchvision_name == "resnet18"


def test_other_preprocessing_is_another_space(tmp_path: Path) -> None:
    folder = resnet(tmp_path / "a")
    first = find_source(str(folder)).fingerprint
    config = folder / "config.json"
    config.write_text(config.read_text().replace("127.0", "120.0"))
    assert find_source(str(folder)).fingerprint != first


@pytest.mark.parametrize("family", ["vit", "torchvision"])
@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_a_head_maps_pooled_vectors_and_cells(tmp_path: Path, family: str, backend: str) -> None:
    folder = save(tmp_path / "m", "vit") if family == "vit" else resnet(tmp_path / "m")
    plain, plain_cells = encode(load_from(folder, tmp_path / "cache"))
    linear = nn.Linear(plain.shape[1], 6, bias=False)
    head.write(linear, folder)
    loaded = load_from(folder, tmp_path / "cache", backend)
    (pooled, cells), weight = encode(loaded), linear.weight.detach().numpy()
    mapped = plain @ weight.T
    assert loaded.dim == 6
    assert np.allclose(pooled, mapped / np.linalg.norm(mapped, axis=1, keepdims=True), atol=1e-4)
    assert np.allclose(cells, plain_cells @ weight.T, atol=1e-3)


def test_a_head_is_another_space(tmp_path: Path) -> None:
    folder = save(tmp_path / "m", "vit")
    first = find_source(str(folder)).fingerprint
    head.write(nn.Linear(16, 16, bias=False), folder)
    assert find_source(str(folder)).fingerprint != first


@pytest.mark.parametrize("tensors", [{"other": torch.eye(4)}, {"weight": torch.zeros(4)}, None])
def test_a_head_that_can_not_be_read_is_refused(tmp_path: Path, tensors: Mapping[str, Tensor] | None) -> None:
    folder = save(tmp_path / "m", "vit")
    if tensors is None:
        (folder / head.FILE).write_bytes(b"\x08\x00\x00")
    else:
        save_file(dict(tensors), folder / head.FILE)
    with pytest.raises(ValueError, match=r"head\.safetensors: the weights can't be read"):
        find_source(str(folder))


@pytest.mark.parametrize(
    ("change", "message"),
    [({"network": "nothing"}, "no network 'nothing'"), ({"network": "efficientnet-lite0"}, "not the weights of Eff")],
)
def test_a_configuration_that_does_not_fit_is_refused(tmp_path: Path, change: dict[str, str], message: str) -> None:
    config = resnet(tmp_path / "m") / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), **change}))
    with pytest.raises(ValueError, match=message):
        find_source(str(tmp_path / "m"))


@pytest.mark.parametrize("content", ["no JSON", "[]", '{"model_type": "modalmesh_torchvision", "network": "resnet18"}'])
def test_a_configuration_that_says_nothing_is_refused(tmp_path: Path, content: str) -> None:
    folder = resnet(tmp_path / "m")
    (folder / "config.json").write_text(content)
    with pytest.raises(ValueError, match=r"config\.json"):
        find_source(str(folder))
