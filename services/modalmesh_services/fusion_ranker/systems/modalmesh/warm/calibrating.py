"""Scores -> logits of probabilities that held when they were compared with what was liked (Platt, 1999)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats

_ROUNDS = 50
_SETTLED = 1e-8
_LEAST_SLOPE = 0.05
"""Whatever the data, a higher score is a higher probability."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """logit = slope * score + offset."""

    slope: float = 1.0
    offset: float = 0.0

    @classmethod
    def of(cls, scores: Floats, liked: Flags) -> "Calibration":
        """By maximum likelihood (Newton's method) over P pairs; the plain score where all or none were liked."""
        if liked.all() or not liked.any():
            return cls()
        mean, deviation = float(scores.mean()), max(float(scores.std()), 1e-9)
        inputs = np.stack([(scores - mean) / deviation, np.ones_like(scores)], axis=1).astype(np.float64)
        found = np.array([0.0, np.log(liked.mean() / (1 - liked.mean()))])
        for _ in range(_ROUNDS):
            step = _step(inputs, liked, found)
            found = found + step
            if np.abs(step).max() < _SETTLED:
                break
        slope = max(float(found[0]) / deviation, _LEAST_SLOPE)
        return cls(slope, float(found[1]) - slope * mean)

    def __call__(self, scores: Floats) -> Floats:
        return np.asarray(self.slope * scores + self.offset, np.float32)


def _step(inputs: npt.NDArray[np.float64], liked: Flags, found: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    chances = 1 / (1 + np.exp(-np.clip(inputs @ found, -30, 30)))
    curvature = (inputs * (chances * (1 - chances))[:, None]).T @ inputs + 1e-6 * np.eye(2)
    return np.asarray(np.linalg.solve(curvature, inputs.T @ (liked - chances)), np.float64)
