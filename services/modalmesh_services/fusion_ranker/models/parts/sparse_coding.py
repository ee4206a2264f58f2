"""Sparse coding: a vector as a few atoms of a learned dictionary."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional


class SparseCoder(nn.Module, ABC):
    def __init__(self, dim: int, atoms: int) -> None:
        super().__init__()
        self.dictionary = nn.Parameter(functional.normalize(torch.randn(atoms, dim), dim=-1))

    @abstractmethod
    def code(self, vectors: Tensor) -> Tensor:
        """(..., D) to (..., atoms), most of them 0."""

    def forward(self, vectors: Tensor) -> Tensor:
        """(..., D) to (..., D): what the few atoms keep of each vector."""
        return self.code(vectors) @ self.dictionary

    def losses(self, vectors: Tensor) -> dict[str, Tensor]:
        """`sparse_reconstruction`: the mean squared difference that coding (N, D) leaves."""
        return self._losses_of(self.code(vectors), vectors)

    def _losses_of(self, code: Tensor, vectors: Tensor) -> dict[str, Tensor]:
        return {"sparse_reconstruction": (code @ self.dictionary - vectors).square().mean()}


class Lista(SparseCoder):
    """ISTA unrolled to a few steps whose matrices and threshold are learned (Gregor and LeCun 2010, LISTA)."""

    def __init__(self, dim: int, atoms: int, steps: int = 3, threshold: float = 0.1, sparsity: float = 0.01) -> None:
        super().__init__(dim, atoms)
        self._steps, self._sparsity = steps, sparsity
        with torch.no_grad():
            step = 1.0 / torch.linalg.matrix_norm(self.dictionary, ord=2).square()
            gram = self.dictionary @ self.dictionary.T
        # As ISTA has them; learning goes on from there.
        self.encoder = nn.Parameter(step * self.dictionary.detach().T.clone())
        self.inhibition = nn.Parameter(torch.eye(atoms) - step * gram)
        self.threshold = nn.Parameter(torch.full((atoms,), float(threshold * step)))

    def code(self, vectors: Tensor) -> Tensor:
        driven = vectors @ self.encoder
        code = self._shrink(driven)
        for _ in range(self._steps):
            code = self._shrink(driven + code @ self.inhibition)
        return code

    def _losses_of(self, code: Tensor, vectors: Tensor) -> dict[str, Tensor]:
        """Beside the reconstruction `sparse_l1`, the mean absolute code."""
        return {**super()._losses_of(code, vectors), "sparse_l1": self._sparsity * code.abs().mean()}

    def _shrink(self, code: Tensor) -> Tensor:
        return code.sign() * (code.abs() - self.threshold.abs()).clamp(min=0.0)


class KSparse(SparseCoder):
    """The k largest projections are kept (Makhzani and Frey 2013, k-sparse autoencoders)."""

    def __init__(self, dim: int, atoms: int, kept: int = 8) -> None:
        super().__init__(dim, atoms)
        self._kept = min(kept, atoms)

    def code(self, vectors: Tensor) -> Tensor:
        projected = vectors @ self.dictionary.T
        largest = projected.abs().topk(self._kept, dim=-1).indices
        return torch.zeros_like(projected).scatter(-1, largest, projected.gather(-1, largest))
