"""Log odds as a line over scores: logistic regression of one input (Platt, 1999), by Newton's method."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

_Numbers = npt.NDArray[np.float64]

_ROUNDS = 50
_LARGEST_STEP = 1.0
_SETTLED = 1e-8
_RIDGE = 1e-9


@dataclass(frozen=True, slots=True)
class Line:
    """`offset` are the log odds at the `mean` of scores, `slope` what they grow by a `deviation` of them."""

    slope: float
    offset: float
    mean: float
    deviation: float

    @classmethod
    def fitted(cls, scores: npt.NDArray[np.floating], labels: npt.NDArray[np.generic]) -> Self:
        """The likeliest. `scores` (P,), `labels` (P,) in 0 to 1, whose mean is neither.

        Where scores tell the labels apart there is none: the slope is as steep as some rounds made it.
        """
        inputs, wanted = scores.astype(np.float64), labels.astype(np.float64)
        mean, deviation = float(inputs.mean()), max(float(inputs.std()), 1e-9)
        points = np.stack([(inputs - mean) / deviation, np.ones(len(inputs))], axis=1)
        rate = float(wanted.mean())
        found = np.array([0.0, np.log(rate) - np.log1p(-rate)])
        for _ in range(_ROUNDS):
            step = np.clip(_step(points, wanted, found), -_LARGEST_STEP, _LARGEST_STEP)
            found = found + step
            if np.abs(step).max() < _SETTLED:
                break
        return cls(float(found[0]), float(found[1]), mean, deviation)

    def no_flatter_than(self, least: float) -> tuple[float, float]:
        """Slope and offset over plain scores; the slope, a deviation, is at least `least`, so that order stays."""
        slope = max(self.slope, least) / self.deviation
        return slope, self.offset - slope * self.mean


def _step(points: _Numbers, labels: _Numbers, found: _Numbers) -> _Numbers:
    chances = 1 / (1 + np.exp(-np.clip(points @ found, -30, 30)))
    curvature = (points * (chances * (1 - chances))[:, None]).T @ points + _RIDGE * np.eye(2)
    return np.asarray(np.linalg.solve(curvature, points.T @ (labels - chances)), np.float64)
