"""The device step of an encoder: what a backend has to offer."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from modalmesh.embeddings import FloatMatrix

Arrays: TypeAlias = Sequence[npt.NDArray[Any]]


class Step(Protocol):
    """A network on its device. Threads may share it."""

    def __call__(self, inputs: Arrays, parts: bool) -> tuple[FloatMatrix, FloatMatrix | None]:
        """Pooled vectors (B, D) float32 of length 1; and, where asked for, those before pooling (B, ..., D) float32.

        The results are the caller's own.
        """


def least_cosine(vectors: FloatMatrix, reference: FloatMatrix) -> float:
    """Of rows of length 1; NaN where one of them is."""
    return float(np.min((vectors * reference).sum(axis=1)))
