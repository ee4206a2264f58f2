"""How many will like an item, from its content: whom it has of the cast says more than any picture."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, SparseRows
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content import IMAGE
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content_blocks import Encoded
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.network import Network, Schedule, learn

_AXES = 40
_DENSE_BAG = 64
"""A bag of that many values at most is features of its own."""

_SHRINKAGE = 2.0
_SCHEDULE = Schedule(epochs=12, batch=256, rate=3e-3, decay=0.05)


@dataclass(frozen=True, slots=True, eq=False)
class ValueLikes:
    """Of each value of a bag: `sums` (v,) float32 of log likes and `counts` (v,) of the items that have it; the mean
    `usual` of all items stands for those that have no value.
    """

    sums: Floats
    counts: Floats
    usual: float

    @classmethod
    def fit(cls, bag: SparseRows, log_likes: Floats) -> "ValueLikes":
        """`bag` (n, v) and `log_likes` (n,) of the items to learn from."""
        counts = np.asarray(bag.sum(axis=0), np.float32)
        return cls(
            np.asarray(bag.T @ log_likes, np.float32), counts, float(log_likes.mean()) if len(log_likes) else 0.0
        )

    def features(self, bag: SparseRows, own: Floats | None = None) -> Floats:
        """(N, 3): the mean and the best of an item's values, and how many it has.

        `own` (N,): the log likes of items that were learned from, which are left out of their values.
        """
        coordinates = bag.tocoo()
        rows, columns = coordinates.row, coordinates.col
        out = 0.0 if own is None else own[rows]
        counts = self.counts[columns] - (0.0 if own is None else 1.0)
        means = (self.sums[columns] - out + _SHRINKAGE * self.usual) / (counts + _SHRINKAGE)
        sizes = np.bincount(rows, minlength=bag.shape[0])
        mean = (np.bincount(rows, means, minlength=bag.shape[0]) + self.usual) / (sizes + 1)
        best = np.full(bag.shape[0], self.usual)
        np.maximum.at(best, rows, means)
        return np.stack([mean, best, np.log1p(sizes)], axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Popularity:
    """Log likes of unseen items."""

    values: Mapping[str, ValueLikes]
    network: Network

    @classmethod
    def fit(cls, encoded: Encoded, log_likes: Floats, rows: Flags) -> "Popularity":
        """`log_likes` (N,) of the items of `rows` (N,) bool."""
        known = log_likes[rows]
        values = {name: ValueLikes.fit(bag[rows], known) for name, bag in encoded.bags.items()}
        features = _features(encoded, values, log_likes)[rows]
        targets = torch.from_numpy(np.ascontiguousarray(known))

        def loss(outputs: Tensor, which: Tensor) -> Tensor:
            return (outputs - targets[which]).square().mean()

        return cls(values, learn(features, loss, _SCHEDULE, seed=0))

    def __call__(self, encoded: Encoded) -> Floats:
        """(N,) float32."""
        return self.network(_features(encoded, self.values, None))


def _features(encoded: Encoded, values: Mapping[str, ValueLikes], own: Floats | None) -> Floats:
    """(N, F) float32; see ValueLikes.features for `own`. No pictures: those with one are the liked ones."""
    parts = [own_axes[:, :_AXES] for name, own_axes in encoded.dense.items() if name != IMAGE]
    parts += [present[:, None].astype(np.float32) for name, present in encoded.present.items() if name != IMAGE]
    parts += list(encoded.hats.values())
    parts += [bag.toarray() for bag in encoded.bags.values() if bag.shape[1] <= _DENSE_BAG]
    parts += [values[name].features(bag, own) for name, bag in encoded.bags.items()]
    return np.concatenate([np.zeros((len(encoded), 1), np.float32), *parts], axis=1)
