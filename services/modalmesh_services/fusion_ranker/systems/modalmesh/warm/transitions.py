"""What others rated shortly after, and shortly before, what was rated last (Rendle et al.'s FPMC, counted)."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from modalmesh_services.fusion_ranker.dataset.arrays import DAY_MS, Floats, Indexes, SparseRows, Times
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import NOBODY, Crowd
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.states import States, products

_FARTHEST = 20
_GAP_DECAY = 6.0
_TIME_DECAY_MS = 7 * DAY_MS
_LEAST = 1e-4
_SHRINK = 3.0
_HALF_LIVES = (1, 3, 15)
_RAW_HALF_LIFE = 3


@dataclass(frozen=True, slots=True, eq=False)
class Transitions:
    """P pairs of items that a user rated one after the other, grouped by user: `earlier`, `later` (P,) int32,
    `weights` (P,) float32, larger the closer; `starts` (U + 1,) int64. `forth` and `back` (N, N) CSR add them up.
    """

    earlier: Indexes
    later: Indexes
    weights: Floats
    starts: Times
    forth: SparseRows
    back: SparseRows

    @classmethod
    def of(cls, crowd: Crowd) -> "Transitions":
        earlier, later, weights, owners = [], [], [], []
        for gap in range(1, _FARTHEST + 1):
            apart = (crowd.times_ms[gap:] - crowd.times_ms[:-gap]) / _TIME_DECAY_MS
            close = np.exp(-(gap - 1) / _GAP_DECAY - np.maximum(apart, 0)).astype(np.float32)
            kept = (crowd.owners[gap:] == crowd.owners[:-gap]) & (close > _LEAST)
            earlier.append(crowd.items[:-gap][kept])
            later.append(crowd.items[gap:][kept])
            weights.append(close[kept])
            owners.append(crowd.owners[gap:][kept])
        owner = np.concatenate(owners)
        order = np.argsort(owner, kind="stable")
        first, second, weight = (np.concatenate(parts)[order] for parts in (earlier, later, weights))
        starts = np.searchsorted(owner[order], np.arange(len(crowd) + 1)).astype(np.int64)
        shape = (crowd.item_count, crowd.item_count)
        forth = sparse.csr_array((weight, (first, second)), shape=shape)
        return cls(first, second, weight, starts, forth, forth.T.tocsr())

    def scores(self, states: States) -> dict[str, Floats]:
        """Each (B, M): `fw` follows what was rated, `bw` precedes it, by half-lives of the profile in events."""
        rarity = 1 / np.sqrt(states.rating_counts[:, states.items] + _SHRINK)
        profiles = [*(states.rated(half_life) * rarity for half_life in _HALF_LIVES), states.rated(_RAW_HALF_LIFE)]
        forth = self._after(states, np.stack(profiles), _Way(self.forth, self.back, self.earlier, self.later))
        back = self._after(states, np.stack(profiles), _Way(self.back, self.forth, self.later, self.earlier))
        rarity_here = 1 / np.sqrt(states.here(states.rating_counts) + _SHRINK)
        found: dict[str, Floats] = {}
        for place, half_life in enumerate(_HALF_LIVES):
            found[f"fw{half_life}"], found[f"bw{half_life}"] = forth[place] * rarity_here, back[place] * rarity_here
        return found | {"both3_raw": forth[-1] + back[-1]}

    def _after(self, states: States, profiles: Floats, way: "_Way") -> Floats:
        """(K, B, M): from `profiles` (K, B, n), by others' pairs."""
        found = way.through(states, profiles)
        local = np.full(states.crowd.item_count, -1)
        local[states.items] = np.arange(len(states.items))
        shape = (states.crowd.item_count, len(states.items))
        for user in np.unique(states.rows[states.rows != NOBODY]).tolist():
            own = slice(self.starts[user], self.starts[user + 1])
            places = local[way.origins[own]]
            there = places >= 0
            cells = (self.weights[own][there], (way.targets[own][there], places[there]))
            pairs = states.rows_here(sparse.csr_array(cells, shape=shape))
            found[:, states.rows == user] -= products(pairs, profiles[:, states.rows == user])
        # What is left of equal sums that were rounded differently is nothing.
        return np.maximum(found, 0)


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """`matrix` (N, N) CSR from an item to what is near, its transpose, and both ends (P,) of its pairs."""

    matrix: SparseRows
    transposed: SparseRows
    origins: Indexes
    targets: Indexes

    def through(self, states: States, profiles: Floats) -> Floats:
        """(K, B, M): `profiles` (K, B, n) times the matrix, of which few columns are cheap as rows of its transpose."""
        if states.columns is None:
            return products(self.matrix[states.items].T, profiles)
        return products(self.transposed[states.columns][:, states.items], profiles)
