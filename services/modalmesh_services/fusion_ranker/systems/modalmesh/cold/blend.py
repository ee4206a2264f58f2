"""All features of a user and an item to the log odds that he likes it, learned on items that were made cold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from modalmesh_services.fusion_ranker.dataset.arrays import Floats
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.features import lead_of
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.honest_lists import Honest, Lists
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.network import Network, Schedule, learn

SEEDS = (0, 1)
_SCHEDULE = Schedule(epochs=8, batch=64, rate=3e-3, decay=0.05, least_steps=320)
"""With 300 lists, as of a shop with 60 customers, 120 steps leave Recall@20 at 0.78 where 400 make it 0.85."""

_KEPT = 64
"""Items of a list that are learned from: all that are liked, as far as they go, and a draw of the others."""

_LEAST_LISTS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """The mean of several networks, or what leads where there was too little to learn from; `slope` and `offset` make
    log odds of it.
    """

    networks: Sequence[Network]
    slope: float
    offset: float

    @classmethod
    def fit(cls, honest: Honest, gates: Floats) -> "Blend":
        """Learn the order of lists, then how sure it is on items drawn from all. `gates`: see Network."""
        networks = (
            [_network(honest.best, seed, gates) for seed in SEEDS] if len(honest.best.liked) >= _LEAST_LISTS else []
        )
        drawn = honest.drawn
        raw = cls(networks, 1.0, 0.0)([drawn.features[..., place] for place in range(drawn.features.shape[-1])])
        if len(np.unique(drawn.liked)) < 2:
            return cls(networks, 1.0, 0.0)
        # Only here: what serves needs no scikit-learn.
        from sklearn.linear_model import LogisticRegression

        found = LogisticRegression(C=1e3).fit(raw.reshape(-1, 1), drawn.liked.ravel())
        # An order that was learned is kept, even where what was drawn is too little to show it.
        return cls(networks, max(float(found.coef_[0, 0]), 1e-3), float(found.intercept_[0]))

    def __call__(self, found: Sequence[Floats]) -> Floats:
        """(U, N) float32 log odds of F arrays (U, N)."""
        if not self.networks:
            return np.asarray(self.slope * lead_of(found) + self.offset, np.float32)
        rows = np.stack(found, axis=-1)
        flat = rows.reshape(-1, rows.shape[-1])
        mean = sum(network(flat) for network in self.networks) / len(self.networks)
        return np.asarray(self.slope * mean + self.offset, np.float32).reshape(rows.shape[:-1])


def _network(lists: Lists, seed: int, gates: Floats) -> Network:
    """A loss of softmax over each list; a list with many likes counts by their root."""
    order = np.random.default_rng(seed).random(lists.liked.shape) - 2 * lists.liked
    kept = np.argsort(order, axis=1)[:, :_KEPT]
    liked = torch.from_numpy(np.take_along_axis(lists.liked, kept, axis=1).astype(np.float32))

    def loss(outputs: Tensor, which: Tensor) -> Tensor:
        wanted = liked[which]
        told = (wanted * torch.log_softmax(outputs, dim=1)).sum(dim=1)
        return -(told / wanted.sum(dim=1).sqrt()).mean()

    return learn(np.take_along_axis(lists.features, kept[..., None], axis=1), loss, _SCHEDULE, seed, gates)
