"""Intervals by drawing users again, with replacement (Efron's percentile bootstrap)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modalmesh_services.fusion_ranker.dataset.arrays import Floats, Indexes

ROUNDS = 2000
BOUNDS = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def mean(values: Floats, users: Indexes | None = None, seed: int = 0) -> Interval:
    """Of `values` (R,). `users` (R,) says whose a value is where a user has several, as over seeds of a split."""
    sums, counts = _drawn(values, users, seed)
    return _interval(float(np.mean(values)), sums / counts)


def difference(ours: Floats, theirs: Floats, users: Indexes | None = None, seed: int = 0) -> Interval:
    """Of the means, paired: both (R,) are of the same users in the same order, who are drawn together."""
    return mean(np.asarray(ours - theirs, np.float32), users, seed)


def ratio(ours: Floats, theirs: Floats, users: Indexes | None = None, seed: int = 0) -> Interval:
    """Of the means, paired as in `difference`; infinite over a mean of 0."""
    above, _ = _drawn(ours, users, seed)
    below, _ = _drawn(theirs, users, seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = np.float64(np.sum(ours, dtype=np.float64)) / np.sum(theirs, dtype=np.float64)
        return _interval(float(whole), above / below)


def _drawn(values: Floats, users: Indexes | None, seed: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Sums and counts of values, (ROUNDS,) each; one seed and one number of users give one draw."""
    owner = np.arange(len(values)) if users is None else np.unique(users, return_inverse=True)[1]
    sums, counts = np.bincount(owner, values), np.bincount(owner)
    random = np.random.default_rng(seed)
    times = random.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=ROUNDS)
    return (times @ sums).astype(np.float64), (times @ counts).astype(np.float64)


def _interval(value: float, drawn: npt.NDArray[np.float64]) -> Interval:
    low, high = np.percentile(drawn, BOUNDS)
    return Interval(value, float(low), float(high))
