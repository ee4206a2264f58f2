from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
import transformers
from torch import nn

from modalmesh.errors import InvalidInput
from modalmesh_services.fine_tuning.layers import Layers, blocks_of, thaw
from modalmesh_services.image_encoder.networks.transformers_backbones import from_folder
from tests.unit.image_encoder.saved import save
from tests.unit.text_encoder.tiny import save_model

zoo: Any = torchvision.models  # it has no types
auto: Any = transformers.AutoModel


def trained(network: nn.Module) -> set[str]:
    return {name for name, parameter in network.named_parameters() if parameter.requires_grad}


@pytest.mark.parametrize(("text", "last"), [("none", 0), ("all", None), ("last:3", 3)])
def test_layers_are_read_and_said_again(text: str, last: int | None) -> None:
    assert Layers.parse(text) == Layers(last)
    assert str(Layers(last)) == text


@pytest.mark.parametrize("text", ["", "some", "last", "last:", "last:0", "last:-1", "last:x", "last:²", "first:2"])
def test_other_layers_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"layers: is .* must be none, last:N or all"):
        Layers.parse(text)


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "mpnet", "electra"])
def test_the_last_layer_of_a_text_model_is_trained_and_none_before_it(tmp_path: Path, family: str) -> None:
    network = auto.from_pretrained(save_model(tmp_path, family))
    thaw(network, Layers(1))
    names = trained(network)
    assert {name for name in names if ".layer.1." in name}
    assert not {name for name in names if "embeddings" in name or ".layer.0." in name or "relative" in name}


@pytest.mark.parametrize(
    ("family", "behind"), [("vit", "layernorm"), ("clip", "visual_projection"), ("siglip", "head")]
)
def test_what_comes_behind_a_vision_models_layers_is_trained_too(tmp_path: Path, family: str, behind: str) -> None:
    network = from_folder(save(tmp_path, family)).network
    thaw(network, Layers(1))
    names = trained(network)
    assert {name for name in names if behind in name}
    assert {name for name in names if "layers.1." in name}
    assert not {name for name in names if "embeddings" in name or "layers.0." in name}


@pytest.mark.parametrize(
    ("name", "count", "last", "before"),
    [
        ("resnet18", 4, "layer4.", "layer3."),
        ("mobilenet_v2", 19, "features.18.", "features.17."),
        ("efficientnet_b0", 9, "features.8.", "features.7."),
        ("vit_b_32", 12, "encoder.layers.encoder_layer_11", "encoder.layers.encoder_layer_10"),
    ],
)
def test_a_torchvision_networks_stages_are_its_layers(name: str, count: int, last: str, before: str) -> None:
    with torch.device("meta"):
        network = zoo.get_model(name, weights=None)
    assert len(blocks_of(network)) == count
    thaw(network, Layers(1))
    names = trained(network)
    assert any(each.startswith(last) for each in names)
    assert not any(each.startswith((before, "class_token", "conv")) for each in names)


def test_none_and_all_of_a_network(tmp_path: Path) -> None:
    network = auto.from_pretrained(save_model(tmp_path))
    thaw(network, Layers(0))
    assert not trained(network)
    thaw(network, Layers(None))
    assert len(trained(network)) == len(list(network.parameters()))


def test_more_layers_than_there_are_is_refused(tmp_path: Path) -> None:
    network = auto.from_pretrained(save_model(tmp_path))
    with pytest.raises(InvalidInput, match="is last:3, this network has 2"):
        thaw(network, Layers(3))
