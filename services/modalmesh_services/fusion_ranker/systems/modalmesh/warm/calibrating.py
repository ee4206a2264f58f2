"""Scores -> logits of probabilities that held when they were compared with what was liked (Platt, 1999)."""

from dataclasses import dataclass

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats
from modalmesh_services.fusion_ranker.systems.platt import Line

_LEAST_SLOPE = 0.05
"""Whatever the data, a higher score is a higher probability."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """logit = slope * score + offset."""

    slope: float = 1.0
    offset: float = 0.0

    @classmethod
    def of(cls, scores: Floats, liked: Flags) -> "Calibration":
        """By maximum likelihood over P pairs; the plain score where all or none were liked."""
        if liked.all() or not liked.any():
            return cls()
        line = Line.fitted(scores, liked)
        return cls(*line.no_flatter_than(_LEAST_SLOPE * line.deviation))

    def __call__(self, scores: Floats) -> Floats:
        return np.asarray(self.slope * scores + self.offset, np.float32)
