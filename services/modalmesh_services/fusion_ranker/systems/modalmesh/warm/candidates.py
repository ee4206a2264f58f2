"""The few hundred items that are worth a closer look: the best of several models (Cormack et al., SIGIR 2009)."""

from collections.abc import Mapping, Sequence

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes
from modalmesh_services.fusion_ranker.ranking import top

COUNT = 500
_DEPTH = 600
_SMOOTHING = 30.0


def fuse(scores: Mapping[str, Floats], names: Sequence[str], allowed: Flags) -> Floats:
    """(B, N): the sum of 1 / (30 + rank), ranks from 1, over those of `names` that have an item of `allowed` (B, N)
    among their 600 best, and above their worst: a model that tells no item from another chooses none.
    """
    fused = np.zeros(allowed.shape, np.float32)
    shares = 1 / (_SMOOTHING + 1 + np.arange(_DEPTH))
    for row, columns in enumerate(map(np.flatnonzero, allowed)):
        for name in names:
            own = scores[name][row, columns]
            best = top(own, _DEPTH)
            fused[row, columns[best]] += np.where(own[best] > own.min(initial=np.inf), shares[: len(best)], 0)
    return fused


def choose(fused: Floats, leading: Floats, allowed: Flags) -> Indexes:
    """(B, C) int32: the best by `fused` (B, N), then by `leading` (B, N); -1 where no more are allowed."""
    count = min(COUNT, fused.shape[1])
    lift = 1e-6 / np.maximum(np.ptp(leading, axis=1, keepdims=True), 1e-9)
    order = np.where(allowed, fused + lift * (leading - leading.min(axis=1, keepdims=True)), -np.inf)
    chosen = np.stack([top(own, count) for own in order]).astype(np.int32)
    return np.where(np.take_along_axis(allowed, chosen, axis=1), chosen, -1).astype(np.int32)
