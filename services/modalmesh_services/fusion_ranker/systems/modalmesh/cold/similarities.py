"""How like an item is to what was liked, by each kind of content and by all of them together.

A sum of similarities asks whether an item lies where the history lies; a sum of their cubes, whether anything in the
history is very much like it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Floats, SparseRows

TOGETHER = "together"
_CHUNK = 1024
_SAME = 0.999
"""What is as similar as this is the same item: a reference says nothing of itself."""

Kinds = Mapping[str, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """`mean` (d,) and `root` (d, d) float32, a root of the covariance: how scores with vectors of items spread."""

    mean: Floats
    root: Floats

    @classmethod
    def of(cls, vectors: Floats) -> "Moments":
        """Of (R, d) items."""
        width = vectors.shape[1]
        if len(vectors) < 2 or not width:
            return cls(np.zeros(width, np.float32), np.zeros((width, width), np.float32))
        mean = vectors.mean(axis=0)
        values, axes = np.linalg.eigh(np.cov(vectors.T.astype(np.float64)).reshape(width, width))
        return cls(mean.astype(np.float32), (axes * np.sqrt(np.maximum(values, 0))).astype(np.float32))

    def standardised(self, users: Floats, items: Floats) -> Floats:
        """(U, N): products of (U, d) and (N, d) in standard deviations of the items that the moments are of."""
        spread = np.linalg.norm(users @ self.root, axis=1)
        scores = (users @ items.T - (users @ self.mean)[:, None]) / np.maximum(spread, 1e-6)[:, None]
        scores[spread <= 1e-6] = 0
        return np.asarray(scores, np.float32)


def cubes(
    likes: SparseRows, history: Kinds, items: Kinds, weights: Mapping[str, float], count: int
) -> dict[str, Floats]:
    """By kind and for TOGETHER (U, N): the cubes of `count` items' similarities to (U, h) `likes`, summed up."""
    sums = {name: np.zeros((likes.shape[0], count), np.float32) for name in (*items, TOGETHER)}
    for start in range(0, count, _CHUNK):
        chunk = slice(start, start + _CHUNK)
        for name, similar in _similar(history, {kind: own[chunk] for kind, own in items.items()}, weights):
            sums[name][:, chunk] = likes @ (similar * similar * similar)
    return sums


def usual_cubes(items: Kinds, reference: Kinds, weights: Mapping[str, float], count: int) -> dict[str, Floats]:
    """By kind and for TOGETHER (N,): the mean cube of each of `count` items' similarities to reference items that have
    the kind.
    """
    means = {name: np.zeros(count, np.float32) for name in (*items, TOGETHER)}
    having = {name: max(1, np.count_nonzero(own.any(axis=1))) for name, own in reference.items()}
    having[TOGETHER] = max([1, *map(len, reference.values())])
    for start in range(0, count, _CHUNK):
        chunk = slice(start, start + _CHUNK)
        for name, similar in _similar({kind: own[chunk] for kind, own in items.items()}, reference, weights):
            similar[similar > _SAME] = 0
            means[name][chunk] = (similar * similar * similar).sum(axis=1) / having[name]
    return means


def _similar(left: Kinds, right: Kinds, weights: Mapping[str, float]) -> Iterator[tuple[str, Floats]]:
    """Each kind's cosines (a, b), and at last those of all kinds that have a weight together."""
    total: Floats | float = 0.0
    for name, own in left.items():
        similar = np.asarray(own @ right[name].T, np.float32)
        if name in weights:
            total = total + np.float32(weights[name] ** 2) * similar
        yield name, similar
    if weights:
        yield TOGETHER, np.asarray(total / np.outer(_length(left, weights), _length(right, weights)), np.float32)


def _length(kinds: Kinds, weights: Mapping[str, float]) -> Floats:
    squares = [np.float32(weight**2) * kinds[name].any(axis=1) for name, weight in weights.items()]
    return np.asarray(np.sqrt(np.maximum(np.sum(squares, axis=0), 1e-12)), np.float32)
