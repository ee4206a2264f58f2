"""Pixels to vectors of length 1 around a backbone."""

import torch
from torch import Tensor, nn

from modalmesh_services.common.backends.torch_backend import Network
from modalmesh_services.image_encoder.networks.backbones import Backbone
from modalmesh_services.image_encoder.preprocess import Preprocess


class _Entry(nn.Module):
    """forward: (B, H, W, 3) uint8 to what the backbone's rest takes, float32."""

    scale: Tensor
    shift: Tensor

    def __init__(self, backbone: Backbone, preprocess: Preprocess) -> None:
        super().__init__()
        self.entry = backbone.entry
        # (3, 1, 1), so that values 0 to 255 times scale plus shift is what the network wants.
        std = torch.tensor(preprocess.std)[:, None, None]
        self.register_buffer("scale", 1 / std)
        self.register_buffer("shift", -torch.tensor(preprocess.mean)[:, None, None] / std)

    def forward(self, pixels: Tensor) -> Tensor:
        entered: Tensor = self.entry(pixels.permute(0, 3, 1, 2).float() * self.scale + self.shift)
        return entered


class _Body(nn.Module):
    """forward: the entry's output to (N, D) of length 1 and (N, rows, columns, D), float32."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, entered: Tensor) -> tuple[Tensor, Tensor]:
        pooled, cells = self.backbone.rest(entered.to(next(self.parameters()).dtype))
        return nn.functional.normalize(pooled.float(), dim=-1), cells.float()


def around(backbone: Backbone, preprocess: Preprocess) -> Network:
    entry = _Entry(backbone, preprocess)
    backbone.entry = nn.Identity()
    example = torch.zeros((2, preprocess.height, preprocess.width, 3), dtype=torch.uint8)
    return Network(_Body(backbone), entry, (example,))
