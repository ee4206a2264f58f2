"""A dense matrix that requests are multiplied by: in numpy, or on a GPU, where it stays."""

import numpy as np
import torch

from modalmesh_services.fusion_ranker.dataset.arrays import Floats
from modalmesh_services.fusion_ranker.moving import fetched, sent


class Dense:
    """`values` (A, B) float32 are for looking up; products are where the matrix is."""

    def __init__(self, values: Floats) -> None:
        self.values = values

    def after(self, rows: Floats) -> Floats:
        """(P, A) to (P, B): `rows` times the matrix."""
        return rows @ self.values

    def before(self, columns: Floats) -> Floats:
        """(B, P) to (A, P): the matrix times `columns`."""
        return self.values @ columns

    def on(self, device: torch.device) -> "Dense":
        return self if device.type == "cpu" else _DenseOnDevice(self.values, device)


class _DenseOnDevice(Dense):
    def __init__(self, values: Floats, device: torch.device) -> None:
        super().__init__(values)
        self._matrix = torch.from_numpy(values).to(device)

    @torch.inference_mode()
    def after(self, rows: Floats) -> Floats:
        return fetched(self._sent(rows) @ self._matrix)

    @torch.inference_mode()
    def before(self, columns: Floats) -> Floats:
        return fetched(self._matrix @ self._sent(columns))

    def _sent(self, array: Floats) -> torch.Tensor:
        return sent(torch.from_numpy(np.ascontiguousarray(array, np.float32)), self._matrix.device)
