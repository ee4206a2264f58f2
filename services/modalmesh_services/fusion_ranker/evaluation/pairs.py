"""Probabilities of held-out labelled pairs: how right, and how well calibrated."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes
from modalmesh_services.fusion_ranker.evaluation import bootstrap
from modalmesh_services.fusion_ranker.evaluation.bootstrap import Interval, Numbers

THRESHOLD = 0.5
BINS = 10
ROUNDS = 500
"""Of the bootstrap; the AUC of a round looks at every pair."""

_ROUNDS_AT_ONCE = 50


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


def pair_intervals(probabilities: Floats, liked: Flags, users: Indexes) -> Mapping[str, Interval]:
    """Every figure by name, with its interval over users; `users` (P,) int32 says whose a pair is."""
    values = asdict(pair_figures(probabilities, liked))
    owner = np.unique(users, return_inverse=True)[1]
    times = bootstrap.drawn_users(int(owner.max()) + 1, rounds=ROUNDS)
    drawn = {**_drawn(probabilities, liked, owner, times), "auc": _drawn_auc(probabilities, liked, owner, times)}
    return {name: bootstrap.interval(value, drawn[name]) for name, value in values.items()}


def _drawn(
    probabilities: Floats, liked: Flags, owner: npt.NDArray[np.intp], times: npt.NDArray[np.int64]
) -> dict[str, Numbers]:
    """(ROUNDS,) by figure: all of these come from sums over each user's pairs."""

    def sums(values: npt.NDArray[np.generic]) -> Numbers:
        return np.asarray(times @ np.bincount(owner, values.astype(np.float64)), np.float64)

    said, count = probabilities >= THRESHOLD, sums(np.ones(len(liked)))
    both, only_said, only_liked = sums(said & liked), sums(said & ~liked), sums(~said & liked)
    # As scikit-learn's log loss does: nothing is impossible.
    told = np.clip(probabilities.astype(np.float64), np.finfo(np.float64).eps, 1 - np.finfo(np.float64).eps)
    bins = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    gaps = [sums(np.where(bins == place, told - liked, 0)) for place in range(BINS)]
    return {
        "accuracy": 1 - (only_said + only_liked) / count,
        "precision": both / np.maximum(both + only_said, 1),
        "recall": both / np.maximum(both + only_liked, 1),
        "f1": 2 * both / np.maximum(2 * both + only_said + only_liked, 1),
        "log_loss": sums(-np.log(np.where(liked, told, 1 - told))) / count,
        "calibration_error": np.abs(gaps).sum(axis=0) / count,
    }


def _drawn_auc(
    probabilities: Floats, liked: Flags, owner: npt.NDArray[np.intp], times: npt.NDArray[np.int64]
) -> Numbers:
    """(ROUNDS,): the share of (liked, other) pairs of pairs that are in order, ties counting half; NaN of one class."""
    order = np.argsort(probabilities, kind="stable")
    ties = np.flatnonzero(np.diff(probabilities[order], prepend=-1.0))
    found = []
    for start in range(0, len(times), _ROUNDS_AT_ONCE):
        weights = times[start : start + _ROUNDS_AT_ONCE, owner[order]].astype(np.float64)
        ones = np.add.reduceat(weights * liked[order], ties, axis=1)
        others = np.add.reduceat(weights * ~liked[order], ties, axis=1)
        ordered = (ones * (np.cumsum(others, axis=1) - others / 2)).sum(axis=1)
        with np.errstate(invalid="ignore"):
            found.append(ordered / (ones.sum(axis=1) * others.sum(axis=1)))
    return np.concatenate(found)
