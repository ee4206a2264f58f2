"""How much of a network is trained: none of it but a new head, its last layers, or all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from torch import nn
from torchvision.models import EfficientNet, ResNet, VisionTransformer
from torchvision.models.mobilenetv2 import MobileNetV2
from torchvision.models.mobilenetv3 import MobileNetV3

from modalmesh.errors import InvalidInput

_FIELD = "layers"


@dataclass(frozen=True, slots=True)
class Layers:
    """`last` layers and what comes behind them; 0 is none, and None all of the network."""

    last: int | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """From none, all or last:N.

        Raises:
            InvalidInput: it is something else.
        """
        if text in ("none", "all"):
            return cls(0 if text == "none" else None)
        kind, _, count = text.partition(":")
        if kind != "last" or not (count.isascii() and count.isdecimal()) or int(count) < 1:
            raise InvalidInput(_FIELD, f"is {text!r}, must be none, last:N or all", reason="UNKNOWN_LAYERS")
        return cls(int(count))

    def __str__(self) -> str:
        return "all" if self.last is None else f"last:{self.last}" if self.last else "none"


def thaw(network: nn.Module, layers: Layers) -> None:
    """Let gradients reach these layers and no others.

    Raises:
        InvalidInput: the network has fewer layers.
    """
    network.requires_grad_(layers.last is None)
    if not layers.last:
        return
    blocks = blocks_of(network)
    if layers.last > len(blocks):
        raise InvalidInput(_FIELD, f"is {layers}, this network has {len(blocks)}", reason="UNKNOWN_LAYERS")
    for block in blocks[-layers.last :]:
        block.requires_grad_(True)
    for module in _behind(network, blocks[-1]):
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad = True


def blocks_of(network: nn.Module) -> Sequence[nn.Module]:
    """A transformer's layers, or a convolutional network's stages, from entry to end."""
    match network:
        case ResNet():
            return [network.layer1, network.layer2, network.layer3, network.layer4]
        case EfficientNet() | MobileNetV2() | MobileNetV3():
            return list(network.features.children())
        case VisionTransformer():
            return list(network.encoder.layers.children())
        case _:
            stacks = [module for module in network.modules() if isinstance(module, nn.ModuleList)]
            return list(max(stacks, key=len, default=nn.ModuleList()).children())


def _behind(network: nn.Module, block: nn.Module) -> Sequence[nn.Module]:
    """The modules that are registered behind `block`: last normalisations, projections and heads.

    A table of embeddings there, such as MPNet's of distances, is what all layers read, not what comes behind them.
    """
    modules = list(network.modules())
    inside = set(block.modules())
    last = max(place for place, module in enumerate(modules) if module in inside)
    return [module for module in modules[last + 1 :] if not isinstance(module, nn.Embedding)]
