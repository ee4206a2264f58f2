"""Networks without their classifiers, all behind one interface: pictures in, one vector and a grid of vectors out."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torchvision.models import EfficientNet, ResNet, VisionTransformer
from torchvision.models.mobilenetv2 import MobileNetV2
from torchvision.models.mobilenetv3 import MobileNetV3

from modalmesh_services.image_encoder.networks.folding import fold_batch_norms

# Of thin networks. Measured on EfficientNet-Lite0 and 827 posters: the least cosine of bf16 to float32 is 0.9990 with
# three, which is too near the limit, 0.9994 with four and 0.9996 with five, and each stage takes half a millisecond.
_EXACT_STAGES = 4


class Backbone(nn.Module):
    """forward: (B, 3, H, W) float32 to the pooled vectors (B, D) and the vectors of a grid (B, rows, columns, D).

    `entry` is what stays in float32, because nearly all that a thin network loses in bf16 is lost there.
    """

    def __init__(self, entry: nn.Module | None = None) -> None:
        super().__init__()
        self.entry = entry or nn.Identity()

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        return self.rest(self.entry(pixels))

    def rest(self, entered: Tensor) -> tuple[Tensor, Tensor]:
        """What comes behind the entry."""
        raise NotImplementedError


class ConvolutionalBackbone(Backbone):
    """A network that ends in a feature map; pooled is the map's mean, as its classifier would get it. The `exact` first
    stages are its entry.
    """

    def __init__(self, stages: Iterable[nn.Module], exact: int = 0) -> None:
        stages = list(stages)
        super().__init__(nn.Sequential(*stages[:exact]))
        self.body = nn.Sequential(*stages[exact:])

    def rest(self, entered: Tensor) -> tuple[Tensor, Tensor]:
        cells: Tensor = self.body(entered).float()  # (B, D, rows, columns); a mean in bf16 is coarse
        return cells.mean(dim=(2, 3)), cells.permute(0, 2, 3, 1)


class VisionTransformerBackbone(Backbone):
    """Torchvision's vision transformer; pooled is the class token."""

    def __init__(self, network: VisionTransformer) -> None:
        super().__init__()
        self.network = network

    def rest(self, entered: Tensor) -> tuple[Tensor, Tensor]:
        patches = self.network._process_input(entered)  # (B, P, D)
        # Not len(patches), which a trace would take for a constant.
        classes = self.network.class_token.expand(patches.shape[0], -1, -1)  # (B, 1, D)
        hidden = self.network.encoder(torch.cat([classes, patches], dim=1))
        return hidden[:, 0], as_grid(hidden[:, 1:])


def as_grid(patches: Tensor) -> Tensor:
    """(B, side * side, D) to (B, side, side, D)."""
    batch, count, dim = patches.shape
    side = math.isqrt(count)
    return patches.reshape(batch, side, side, dim)


def from_torchvision(network: nn.Module, *, fold: bool = True) -> Backbone:
    """A classifier without its head, with batch normalisation folded where wanted. It must hold its weights already.

    Raises:
        ValueError: a family that isn't known here.
    """
    network.eval()
    if fold:
        fold_batch_norms(network)
    match network:
        case VisionTransformer():
            return VisionTransformerBackbone(network)
        case ResNet():
            *body, _pool, _head = network.children()
            return ConvolutionalBackbone(body)
        case EfficientNet() | MobileNetV2() | MobileNetV3():
            return ConvolutionalBackbone(network.features.children(), exact=_EXACT_STAGES)
        case _:
            raise ValueError(f"torchvision's {type(network).__name__} is not supported")
