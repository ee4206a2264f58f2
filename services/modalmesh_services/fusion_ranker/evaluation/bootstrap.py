"""Intervals by drawing users again, with replacement (Efron's percentile bootstrap)."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from modalmesh_services.fusion_ranker.dataset.arrays import Floats, Indexes

ROUNDS = 2000
BOUNDS = (2.5, 97.5)

Numbers: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def mean(values: Floats, users: Indexes | None = None, seed: int = 0) -> Interval:
    """Of `values` (R,). `users` (R,) says whose a value is where a user has several, as over seeds of a split."""
    sums, counts = _drawn(values, users, seed)
    return interval(float(np.mean(values)), sums / counts)


def difference(ours: Floats, theirs: Floats, users: Indexes | None = None, seed: int = 0) -> Interval:
    """Of the means, paired: both (R,) are of the same users in the same order, who are drawn together."""
    return mean(np.asarray(ours - theirs, np.float32), users, seed)


def ratio(ours: Floats, theirs: Floats, users: Indexes | None = None, seed: int = 0) -> Interval:
    """Of the means, paired as in `difference`; infinite over a mean of 0."""
    above, _ = _drawn(ours, users, seed)
    below, _ = _drawn(theirs, users, seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = np.float64(np.sum(ours, dtype=np.float64)) / np.sum(theirs, dtype=np.float64)
        return interval(float(whole), above / below)


@lru_cache(maxsize=16)
def drawn_users(count: int, seed: int = 0, rounds: int = ROUNDS) -> npt.NDArray[np.int64]:
    """(rounds, count): how often each of `count` users is drawn; not to be written to."""
    times = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=rounds)
    times.setflags(write=False)
    return times


def interval(value: float, drawn: Numbers) -> Interval:
    """Of a figure's values in all rounds, (rounds,); those that are NaN, for want of anybody to ask, are left out."""
    known = drawn[~np.isnan(drawn)]
    low, high = np.percentile(known, BOUNDS) if len(known) else (np.nan, np.nan)
    return Interval(value, float(low), float(high))


def _drawn(values: Floats, users: Indexes | None, seed: int) -> tuple[Numbers, Numbers]:
    """Sums and counts of values, (ROUNDS,) each; one seed and one number of users give one draw."""
    owner = np.arange(len(values)) if users is None else np.unique(users, return_inverse=True)[1]
    sums, counts = np.bincount(owner, values), np.bincount(owner)
    times = drawn_users(len(sums), seed)
    return (times @ sums).astype(np.float64), (times @ counts).astype(np.float64)
