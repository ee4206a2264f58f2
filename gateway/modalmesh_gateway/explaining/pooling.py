"""What an encoder's pooled vector would be without some of its parts. Knows no grpc and no protobuf."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modalmesh.embeddings import FloatMatrix, normalise


@dataclass(frozen=True, slots=True)
class Pooled:
    """One input of an encoder: its pooled `vector` (D,) of length 1, and the vectors before pooling, `parts` (T, D).

    Where the encoder takes the parts' mean and scales it to length 1, the vector without some of them is exact: the
    others' sum, scaled. Other encoders (those that pool special tokens too, or the class token alone) are treated as if
    they did, from the very vector that they gave; `fit` says how far that is from the truth.
    """

    vector: FloatMatrix
    parts: FloatMatrix

    @property
    def fit(self) -> float:
        """The cosine between the vector and the mean of the parts: 1 where what `without` says is exact."""
        length = self._length
        return float(self.vector @ self._total / length) if length else 0.0

    def without(self, rows: Sequence[int]) -> FloatMatrix | None:
        """The vector (D,) of length 1 without the parts of these rows; None where nothing is left."""
        if len(set(rows)) == len(self.parts):
            return None
        rest = self.vector * np.float32(self._length) - self.parts[list(rows)].sum(axis=0)
        vector: FloatMatrix = normalise(rest[None])[0]
        return vector if vector.any() else None

    @property
    def _total(self) -> FloatMatrix:
        total: FloatMatrix = self.parts.sum(axis=0)
        return total

    @property
    def _length(self) -> float:
        return float(np.linalg.norm(self._total))
