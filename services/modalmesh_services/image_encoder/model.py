"""Runs a backbone on one device: pixels in, vectors out."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.common.device import Placement
from modalmesh_services.image_encoder.backbones import Backbone
from modalmesh_services.image_encoder.preprocess import Pixels, Preprocess


class ImageModel:
    """Threads may share it. No more than `micro_batch` pictures are on the device at once for each of them."""

    def __init__(self, backbone: Backbone, preprocess: Preprocess, placement: Placement, micro_batch: int) -> None:
        self._backbone = backbone.eval().to(placement.device)
        self._backbone.reduce(placement.dtype)
        # Convolutions on this layout are twice as fast on a CPU.
        self._backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # the stubs forget it
        self._device = placement.device
        self.micro_batch = micro_batch
        self._shape = (preprocess.height, preprocess.width)
        # (3, 1, 1), so that values 0 to 255 times scale plus shift is what the network wants.
        std = torch.tensor(preprocess.std, device=placement.device)[:, None, None]
        self._scale = 1 / std
        self._shift = -torch.tensor(preprocess.mean, device=placement.device)[:, None, None] / std

    def probe(self) -> FloatMatrix:
        """Vectors (N, D) of a few pictures drawn by chance, from coarse to fine, by which precisions are compared."""
        generator = np.random.default_rng(0)
        height, width = self._shape
        pictures = []
        for cells in (2, 5, 11, 23, 47, 95):
            coarse = Image.fromarray(generator.integers(0, 256, (cells, cells, 3), np.uint8))
            pictures.append(np.array(coarse.resize((width, height), Image.Resampling.BICUBIC)))
        return self(pictures, grids=False)[0]

    @torch.inference_mode()
    def __call__(self, pictures: Sequence[Pixels], grids: bool) -> tuple[FloatMatrix, FloatMatrix | None]:
        """Pooled vectors (N, D) float32 of length 1, and the grids (N, rows, columns, D) float32 where asked for."""
        pooled, cells = [], []
        for start in range(0, len(pictures), self.micro_batch):
            vectors, grid = self._backbone(self._to_tensor(pictures[start : start + self.micro_batch]))
            pooled.append(torch.nn.functional.normalize(vectors.float(), dim=-1).cpu())
            if grids:
                cells.append(grid.float().cpu())
        return torch.cat(pooled).numpy(), torch.cat(cells).numpy() if grids else None

    def _to_tensor(self, pictures: Sequence[Pixels]) -> Tensor:
        """(B, H, W, 3) uint8 to (B, 3, H, W) float32, laid out with channels last."""
        pixels = torch.from_numpy(np.stack(pictures)).to(self._device).permute(0, 3, 1, 2).float()
        return pixels * self._scale + self._shift
