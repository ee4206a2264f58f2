"""Networks give the same vectors as their libraries' own code does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
import transformers
from torch import Tensor, nn

from modalmesh_services.image_encoder.loading import LoadedImage
from modalmesh_services.image_encoder.networks import transformers_backbones
from modalmesh_services.image_encoder.networks.backbones import from_torchvision
from modalmesh_services.image_encoder.networks.efficientnet_lite import SamePadConv2d, efficientnet_lite0
from modalmesh_services.image_encoder.networks.folding import fold_batch_norms
from modalmesh_services.image_encoder.preprocess import Pixels

from .pictures import draw, noise
from .saved import save

# Neither has types.
zoo: Any = torchvision.models
classes: Any = transformers


def randomised(name: str, **options: object) -> nn.Module:
    """A network whose batch normalisation does something."""
    torch.manual_seed(0)
    network: nn.Module = zoo.get_model(name, weights=None, **options).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            torch.nn.init.uniform_(module.get_buffer("running_mean"), -0.1, 0.1)
            torch.nn.init.uniform_(module.get_buffer("running_var"), 0.8, 1.2)
    return network


@torch.inference_mode()
def without_head(network: nn.Module, head: str, pixels: Tensor) -> Tensor:
    """What torchvision's own forward gives in front of the classifier."""
    kept = getattr(network, head)
    setattr(network, head, nn.Identity())
    vectors: Tensor = network(pixels)
    setattr(network, head, kept)
    return vectors


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("resnet18", "fc"),
        ("resnet50", "fc"),
        ("efficientnet_b0", "classifier"),
        ("mobilenet_v2", "classifier"),
        ("mobilenet_v3_small", "classifier"),
    ],
)
@torch.inference_mode()
def test_convolutional_networks_pool_as_torchvision_does(name: str, head: str) -> None:
    network, pixels = randomised(name), torch.rand(2, 3, 64, 64)
    expected = without_head(network, head, pixels)
    pooled, cells = from_torchvision(network)(pixels)
    assert torch.allclose(pooled, expected, rtol=1e-3, atol=1e-4)
    assert torch.allclose(cells.mean(dim=(1, 2)), pooled, atol=1e-5)
    assert cells.shape[:3] == (2, 2, 2)


@torch.inference_mode()
def test_a_vision_transformer_of_torchvision_pools_its_class_token() -> None:
    network = randomised("vit_b_16", image_size=64).eval()
    pixels = torch.rand(1, 3, 64, 64)
    pooled, cells = from_torchvision(network)(pixels)
    assert torch.allclose(pooled, without_head(network, "heads", pixels), atol=1e-5)
    assert cells.shape == (1, 4, 4, 768)


def test_other_families_of_torchvision_are_refused() -> None:
    with pytest.raises(ValueError, match="SqueezeNet is not supported"):
        from_torchvision(zoo.get_model("squeezenet1_1", weights=None))


@torch.inference_mode()
def test_folding_leaves_no_batch_norm_and_the_same_function() -> None:
    network, pixels = randomised("resnet18"), torch.rand(2, 3, 64, 64)
    before = network(pixels)
    fold_batch_norms(network)
    assert torch.allclose(network(pixels), before, rtol=1e-3, atol=1e-3)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())


@pytest.mark.parametrize(("size", "kernel"), [(224, 3), (224, 5), (8, 5)])
def test_same_padding_keeps_half_the_size_and_pads_right_and_below(size: int, kernel: int) -> None:
    conv = SamePadConv2d(1, 1, kernel, 2, bias=False)
    assert conv(torch.rand(1, 1, size, size)).shape[-1] == size // 2


def test_same_padding_of_an_even_picture_starts_in_its_corner() -> None:
    conv = SamePadConv2d(1, 1, 3, 2, bias=False)
    nn.init.zeros_(conv.weight)
    conv.weight.data[0, 0, 0, 0] = 1
    pixels = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert conv(pixels).flatten().tolist() == [0, 2, 8, 10]


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ValueError, match="not the weights of EfficientNet-Lite0"):
        efficientnet_lite0(randomised("resnet18").state_dict())


@torch.inference_mode()
def test_the_packaged_weights_suit_their_preprocessing(
    packaged: LoadedImage, lite0_weights: Mapping[str, Tensor]
) -> None:
    """The stem's outputs have the mean and variance that training left in its batch normalisation, which they would
    not with another scale of the pixels."""
    stem: Any = efficientnet_lite0(lite0_weights).features[0]
    pixels = torch.from_numpy(np.stack([shown(packaged, seed) for seed in range(8)])).permute(0, 3, 1, 2).float()
    spread = stem[0]((pixels - 127) / 128).var(dim=(0, 2, 3)).log() - stem[1].running_var.log()
    assert abs(float(spread.median())) < 1


@torch.inference_mode()
def test_the_packaged_network_is_as_good_as_the_plain_one(
    packaged: LoadedImage, lite0_weights: Mapping[str, Tensor]
) -> None:
    pictures = [shown(packaged, seed) for seed in range(4)]
    plain = efficientnet_lite0(lite0_weights)
    pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()
    features = plain.features((pixels - 127) / 128).mean(dim=(2, 3))
    expected = torch.nn.functional.normalize(features, dim=-1).numpy()
    pooled, _ = packaged.model(pictures, False)
    assert pooled.shape == (4, 1280)
    assert (pooled * expected).sum(axis=1).min() >= 0.999


def shown(loaded: LoadedImage, seed: int) -> Pixels:
    picture = draw(320, 240) if seed == 0 else noise(4 * seed, 3 * seed, seed).resize((320, 240))
    return loaded.preprocess(picture)[0].copy()


@torch.inference_mode()
def test_a_vit_pools_its_class_token(tmp_path: Path) -> None:
    folder, pixels = save(tmp_path, "vit"), torch.rand(2, 3, 32, 32)
    pooled, cells = transformers_backbones.from_folder(folder).eval()(pixels)
    hidden = classes.ViTModel.from_pretrained(folder).eval()(pixel_values=pixels).last_hidden_state
    assert torch.allclose(pooled, hidden[:, 0], atol=1e-5)
    assert torch.allclose(cells.reshape(2, 16, 16), hidden[:, 1:], atol=1e-5)


@pytest.mark.parametrize("family", ["clip", "clip_vision"])
@torch.inference_mode()
def test_clip_projects_into_the_space_of_texts(tmp_path: Path, family: str) -> None:
    folder, pixels = save(tmp_path, family), torch.rand(2, 3, 32, 32)
    pooled, cells = transformers_backbones.from_folder(folder).eval()(pixels)
    own = classes.CLIPVisionModelWithProjection.from_pretrained(folder).eval()
    assert torch.allclose(pooled, own(pixel_values=pixels).image_embeds, atol=1e-5)
    assert (pooled.shape, cells.shape) == ((2, 12), (2, 4, 4, 12))


@torch.inference_mode()
def test_the_picture_half_of_a_whole_clip_keeps_its_weights(tmp_path: Path) -> None:
    folder, pixels = save(tmp_path, "clip"), torch.rand(2, 3, 32, 32)
    pooled, _ = transformers_backbones.from_folder(folder).eval()(pixels)
    features: Any = classes.CLIPModel.from_pretrained(folder).eval().get_image_features(pixel_values=pixels)
    assert torch.allclose(pooled, getattr(features, "pooler_output", features), atol=1e-5)


@pytest.mark.parametrize("family", ["siglip", "siglip_vision"])
@torch.inference_mode()
def test_siglip_pools_by_its_attention_head(tmp_path: Path, family: str) -> None:
    folder, pixels = save(tmp_path, family), torch.rand(2, 3, 32, 32)
    pooled, cells = transformers_backbones.from_folder(folder).eval()(pixels)
    own = classes.SiglipVisionModel.from_pretrained(folder).eval()(pixel_values=pixels)
    assert torch.allclose(pooled, own.pooler_output, atol=1e-5)
    assert cells.shape == (2, 4, 4, 16)


def test_other_families_of_transformers_are_refused(tmp_path: Path) -> None:
    transformers.BertConfig().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="type bert are not supported"):
        transformers_backbones.from_folder(tmp_path)
