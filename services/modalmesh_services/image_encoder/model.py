"""Pixels in, vectors out."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.common.backends.step import Step
from modalmesh_services.image_encoder.preprocess import Pixels


class ImageModel:
    """Threads may share it. No more than `micro_batch` pictures are on the device at once for each of them."""

    def __init__(self, step: Step, micro_batch: int) -> None:
        self._step = step
        self.micro_batch = micro_batch

    def __call__(self, pictures: Sequence[Pixels], grids: bool) -> tuple[FloatMatrix, FloatMatrix | None]:
        """Pooled vectors (N, D) float32 of length 1, and the grids (N, rows, columns, D) float32 where asked for."""
        pooled, cells = [], []
        for start in range(0, len(pictures), self.micro_batch):
            vectors, grid = self._step([np.stack(pictures[start : start + self.micro_batch])], grids)
            pooled.append(vectors)
            if grid is not None:
                cells.append(grid)
        return np.concatenate(pooled), np.concatenate(cells) if grids else None


def probe(step: Step, height: int, width: int) -> FloatMatrix:
    """Vectors (N, D) of a few pictures drawn by chance, from coarse to fine, by which builds are compared."""
    generator = np.random.default_rng(0)
    pictures = []
    for cells in (2, 5, 11, 23, 47, 95):
        coarse = Image.fromarray(generator.integers(0, 256, (cells, cells, 3), np.uint8))
        pictures.append(np.array(coarse.resize((width, height), Image.Resampling.BICUBIC)))
    return step([np.stack(pictures)], False)[0]
