"""Networks without their classifiers, all behind one interface: pictures in, one vector and a grid of vectors out."""

import math

import torch
from torch import Tensor, nn
from torchvision.models import EfficientNet, ResNet, VisionTransformer
from torchvision.models.mobilenetv2 import MobileNetV2
from torchvision.models.mobilenetv3 import MobileNetV3

from modalmesh_services.image_encoder.folding import fold_batch_norms


class Backbone(nn.Module):
    """forward: (B, 3, H, W) to the pooled vectors (B, D) and the vectors of a grid (B, rows, columns, D)."""

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError


class ConvolutionalBackbone(Backbone):
    """A network that ends in a feature map; pooled is the map's mean, as its classifier would get it."""

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        cells: Tensor = self.features(pixels).float()  # (B, D, rows, columns); float, as a mean in bf16 is coarse
        return cells.mean(dim=(2, 3)), cells.permute(0, 2, 3, 1)


class VisionTransformerBackbone(Backbone):
    """Torchvision's vision transformer; pooled is the class token."""

    def __init__(self, network: VisionTransformer) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        patches = self.network._process_input(pixels)  # (B, P, D)
        classes = self.network.class_token.expand(len(patches), -1, -1)  # (B, 1, D)
        hidden = self.network.encoder(torch.cat([classes, patches], dim=1))
        return hidden[:, 0], as_grid(hidden[:, 1:])


def as_grid(patches: Tensor) -> Tensor:
    """(B, side * side, D) to (B, side, side, D)."""
    batch, count, dim = patches.shape
    side = math.isqrt(count)
    return patches.reshape(batch, side, side, dim)


def from_torchvision(network: nn.Module) -> Backbone:
    """A classifier without its head, with batch normalisation folded. It must hold its weights already.

    Raises:
        ValueError: a family that isn't known here.
    """
    network.eval()
    match network:
        case VisionTransformer():
            return VisionTransformerBackbone(network)
        case ResNet():
            fold_batch_norms(network)
            *body, _pool, _head = network.children()
            return ConvolutionalBackbone(nn.Sequential(*body))
        case EfficientNet() | MobileNetV2() | MobileNetV3():
            fold_batch_norms(network)
            return ConvolutionalBackbone(network.features)
        case _:
            raise ValueError(f"torchvision's {type(network).__name__} is not supported")
