"""An image encoder trained end to end on the built-in shop's pictures."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from modalmesh_services.fine_tuning.encoder import choose_layers
from modalmesh_services.fine_tuning.image import PixelStore, TunableImage
from modalmesh_services.fine_tuning.layers import Layers
from modalmesh_services.fine_tuning.running import Order, Tell, fine_tune
from modalmesh_services.fine_tuning.training import Schedule
from modalmesh_services.image_encoder.loading import LoadedImage, load
from modalmesh_services.image_encoder.settings import ImageEncoderSettings
from modalmesh_services.image_encoder.sources import find_source

from .made import encode_pictures, image_base, shop_folder, small_lite0, style_auc

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    return shop_folder(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return image_base(tmp_path_factory.mktemp("vit") / "base")


@pytest.fixture(scope="module")
def lite0(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_lite0(tmp_path_factory.mktemp("lite0") / "base")


def load_image(folder: Path | str, **options: object) -> LoadedImage:
    return load(ImageEncoderSettings.model_validate({"model": str(folder), **options}))


def encode_unseen(shop: tuple[Path, dict[str, str]], loaded: LoadedImage) -> np.ndarray:
    folder, unseen = shop
    return encode_pictures(loaded, [folder / f"images/{item_id}.webp" for item_id in unseen])


@pytest.mark.parametrize(
    ("layers", "schedule"),
    [("none", Schedule(2, 1e-3, seed=0, windows=64)), ("last:2", Schedule(1, 1e-3, seed=0, windows=40))],
)
def test_unseen_pictures_of_a_print_come_closer(
    shop: tuple[Path, dict[str, str]], lite0: Path, tmp_path: Path, layers: str, schedule: Schedule
) -> None:
    order = Order(shop[0], tmp_path / "weights", "image", Layers.parse(layers), str(lite0), schedule=schedule)
    document = fine_tune(order, Tell())
    before, after = (
        style_auc(encode_unseen(shop, load_image(folder)), list(shop[1].values())) for folder in (lite0, order.out)
    )
    assert after > before + 0.1
    assert document["model"]["fingerprint"] != document["base"]["fingerprint"]


@pytest.mark.parametrize(
    ("layers", "kept"), [("none", ("layers", "embeddings")), ("last:1", ("layers.0", "embeddings"))]
)
def test_what_is_not_trained_stays_bit_for_bit(
    shop: tuple[Path, dict[str, str]], base: Path, tmp_path: Path, layers: str, kept: tuple[str, ...]
) -> None:
    order = Order(
        shop[0], tmp_path / "w", "image", Layers.parse(layers), str(base), schedule=Schedule(1, 1e-3, 0, windows=16)
    )
    fine_tune(order, Tell())
    before, after = (load_file(folder / "model.safetensors") for folder in (base, order.out))
    same = {name for name in before if np.array_equal(before[name], after[name])}
    assert same >= {name for name in before if name.startswith(kept)}
    assert (order.out / "head.safetensors").is_file() is (layers == "none")
    assert len(same) == len(before) if layers == "none" else len(same) < len(before)


@pytest.mark.parametrize("layers", ["none", "last:2"])
def test_the_packaged_network_is_written_and_loaded_as_it_was_trained(tmp_path: Path, layers: str) -> None:
    encoder = TunableImage("packaged", "", CPU)
    parameters = choose_layers(encoder, Layers.parse(layers))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in parameters.values():
            parameter.mul_(1 + 0.02 * torch.randn(parameter.shape, generator=generator))
    encoder.write(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), np.uint8)
    with torch.no_grad():
        pooled = encoder.pooled(list(pixels))
        trained = pooled if encoder.head is None else encoder.head(pooled)
    served = load_image(tmp_path).model(list(pixels), False)[0]
    assert (torch.nn.functional.normalize(trained, dim=-1).numpy() * served).sum(axis=1).min() > 0.9999
    assert find_source(str(tmp_path)).fingerprint != find_source("packaged").fingerprint


def test_a_head_of_the_base_is_read_and_written_again(tmp_path: Path, base: Path) -> None:
    first = TunableImage(str(base), "", CPU)
    choose_layers(first, Layers(0))
    assert first.head is not None
    torch.nn.init.normal_(first.head.weight)
    first.write(tmp_path)
    second = TunableImage(str(tmp_path), "", CPU)
    assert second.head is not None
    assert torch.equal(second.head.weight, first.head.weight)
    pixels = [np.full((48, 48, 3), 90, np.uint8)]
    with torch.no_grad():
        assert torch.allclose(second.pooled(pixels), first.pooled(pixels), atol=1e-5)
    assert "head.weight" in choose_layers(second, Layers(1))


def test_pixels_are_kept_by_number(base: Path) -> None:
    store = PixelStore(find_source(str(base)).preprocess)
    pictures = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 3), np.uint8)
    for picture in pictures:
        store.add(picture)
    assert len(store) == 3
    assert all(np.array_equal(store[row], pictures[row]) for row in (2, 0, 1))


def test_torchvision_networks_are_written_with_their_own_names(tmp_path: Path) -> None:
    encoder = TunableImage("packaged", "", CPU)
    encoder.write(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["network"] == "efficientnet-lite0"
    assert "features.0.1.running_mean" in load_file(tmp_path / "model.safetensors")
