import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from modalmesh_services.common.backends.device import places
from modalmesh_services.image_encoder.loading import LoadedImage, load
from modalmesh_services.image_encoder.networks import weights
from modalmesh_services.image_encoder.settings import ImageEncoderSettings
from modalmesh_services.image_encoder.sources import find_source

from .pictures import draw
from .saved import save

zoo: Any = torchvision.models


@pytest.fixture(scope="module")
def resnet50(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ResNet50's weights under their published name, in random numbers."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    torch.save(zoo.get_model("resnet50", weights=None).state_dict(), folder / "resnet50-11ad3fa6.pth")
    return folder


def settings(**options: object) -> ImageEncoderSettings:
    return ImageEncoderSettings.model_validate(options)


def test_the_packaged_network_is_the_default(packaged: LoadedImage) -> None:
    assert (packaged.name, packaged.dim) == ("efficientnet-lite0", 1280)
    assert (packaged.preprocess.height, packaged.preprocess.crop) == (224, (0.875, 0.875))


@pytest.mark.parametrize(("family", "dim"), [("vit", 16), ("clip", 12), ("siglip", 16)])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_transformers_folders_load_and_run(tmp_path: Path, family: str, dim: int, precision: str) -> None:
    loaded = load(settings(model=str(save(tmp_path / family, family)), precision=precision))
    assert (loaded.name, loaded.dim) == (family, dim)
    pixels, _ = loaded.preprocess(draw())
    vectors, grids = loaded.model([pixels], True)
    assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=1e-3)
    assert grids is not None
    assert grids.shape == (1, 4, 4, dim)


def test_resnet50_loads_by_name_from_a_folder_of_weights(resnet50: Path) -> None:
    loaded = load(settings(model="resnet50", weights=str(resnet50), precision="fp32"))
    assert (loaded.name, loaded.dim) == ("resnet50", 2048)
    # The second weights that were published for it are resized to 232 first.
    assert loaded.preprocess.crop == (224 / 232, 224 / 232)


def test_a_file_under_another_name_gets_the_usual_preprocessing(resnet50: Path, tmp_path: Path) -> None:
    other = tmp_path / "mine.pth"
    other.write_bytes(next(resnet50.iterdir()).read_bytes())
    source = find_source("resnet50", str(other))
    assert source.preprocess.crop == (224 / 256, 224 / 256)
    assert source.preprocess.resample is Image.Resampling.BILINEAR


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_a_finetuned_classifier_with_other_classes_loads(tmp_path: Path, kind: str) -> None:
    state = zoo.get_model("resnet18", weights=None, num_classes=7).state_dict()
    (save_file if kind == "safetensors" else torch.save)(state, tmp_path / f"resnet18.{kind}")
    assert find_source("resnet18", str(tmp_path)).name == "resnet18"


def test_weights_of_another_network_are_refused(resnet50: Path) -> None:
    with pytest.raises(ValueError, match="not the weights of resnet18"):
        find_source("resnet18", str(next(resnet50.iterdir())))


def test_a_folder_without_the_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="resnet50"):
        find_source("resnet50", str(tmp_path))


def test_two_files_for_one_network_are_refused(tmp_path: Path) -> None:
    for name in ("resnet50-a.pth", "resnet50-b.pth"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r"resnet50-a\.pth, resnet50-b\.pth"):
        find_source("resnet50", str(tmp_path))


def test_a_folder_that_is_not_there_is_not_asked_of_the_hub(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder"):
        find_source(str(tmp_path / "missing"))


def test_a_pickle_with_code_in_it_is_not_run(tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return (Path.touch, (tmp_path / "attacked",))  # type: ignore[return-value] # any callable will do

    (tmp_path / "resnet50.pth").write_bytes(pickle.dumps(Attack(), protocol=2))
    with pytest.raises(ValueError, match="can't be read"):
        find_source("resnet50", str(tmp_path))
    assert not (tmp_path / "attacked").exists()


def test_a_file_of_something_else_than_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "a.pth")
    with pytest.raises(ValueError, match="no state dict"):
        weights.read(tmp_path / "a.pth")


def test_torn_safetensors_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"\x08\x00\x00")
    with pytest.raises(ValueError, match="can't be read"):
        weights.read(tmp_path / "a.safetensors")


def test_the_fingerprint_is_the_same_in_another_precision(packaged: LoadedImage) -> None:
    other = load(settings(precision="fp32"))
    assert other.fingerprint == packaged.fingerprint
    assert other.placement.build.endswith("fp32")


def test_other_weights_have_another_fingerprint(tmp_path: Path, lite0_weights: Mapping[str, Tensor]) -> None:
    first, second = (save(tmp_path / name, "vit") for name in ("a", "b"))
    assert find_source(str(first)).fingerprint == find_source(str(second)).fingerprint
    config = json.loads((second / "preprocessor_config.json").read_text())
    (second / "preprocessor_config.json").write_text(json.dumps({**config, "image_mean": [0.1, 0.1, 0.1]}))
    assert find_source(str(first)).fingerprint != find_source(str(second)).fingerprint


def test_preprocessing_may_stand_in_the_processors_configuration(tmp_path: Path) -> None:
    folder = save(tmp_path, "vit")
    config = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").unlink()
    (folder / "processor_config.json").write_text(json.dumps({"image_processor": config}))
    assert find_source(str(folder)).preprocess.height == 32


def test_a_folder_without_preprocessing_is_refused(tmp_path: Path) -> None:
    folder = save(tmp_path, "vit")
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"preprocessor_config\.json"):
        find_source(str(folder))


def test_the_packaged_network_keeps_its_speed_where_the_processor_has_bf16(packaged: LoadedImage) -> None:
    assert packaged.placement == places()[0]
