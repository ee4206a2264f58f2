"""Probabilities of held-out labelled pairs: how right, and how well calibrated."""

from dataclasses import dataclass

import numpy as np
from sklearn import metrics

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats

THRESHOLD = 0.5
BINS = 10


@dataclass(frozen=True, slots=True)
class PairFigures:
    """Of all pairs together; `auc` is NaN where all labels are equal."""

    accuracy: float
    precision: float
    recall: float
    f1: float
    auc: float
    log_loss: float
    calibration_error: float


def pair_figures(probabilities: Floats, liked: Flags) -> PairFigures:
    """`probabilities` (P,) float32 in 0 to 1, `liked` (P,) bool."""
    said = probabilities >= THRESHOLD
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(liked, said, average="binary", zero_division=0.0)
    two_classes = bool(liked.any() and not liked.all())
    return PairFigures(
        accuracy=float(metrics.accuracy_score(liked, said)),
        precision=float(precision),
        recall=float(recall),
        f1=float(f1),
        auc=float(metrics.roc_auc_score(liked, probabilities)) if two_classes else float("nan"),
        log_loss=float(metrics.log_loss(liked, probabilities.astype(np.float64), labels=[False, True])),
        calibration_error=calibration_error(probabilities, liked),
    )


def calibration_error(probabilities: Floats, liked: Flags, bins: int = BINS) -> float:
    """Expected calibration error: the mean gap of a bin's probability and its share of likes (Naeini et al., 2015)."""
    place = np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(place, probabilities.astype(np.float64) - liked, minlength=bins)
    return float(np.abs(gaps).sum() / len(probabilities))
