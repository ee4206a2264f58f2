"""What others rated shortly after, and shortly before, what was rated last (Rendle et al.'s FPMC, counted)."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from modalmesh_services.fusion_ranker.dataset.arrays import DAY_MS, Floats, Indexes, SparseRows, Times
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import NOBODY, Crowd
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.states import States

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
        rarity = 1 / np.sqrt(states.rating_counts + _SHRINK)
        found: dict[str, Floats] = {}
        for half_life in _HALF_LIVES:
            forth, back = self._both(states, states.rated(half_life).multiply(rarity).tocsr())
            found |= {f"fw{half_life}": forth * states.here(rarity), f"bw{half_life}": back * states.here(rarity)}
        return found | {"both3_raw": np.add(*self._both(states, states.rated(_RAW_HALF_LIFE)))}

    def _both(self, states: States, profiles: SparseRows) -> tuple[Floats, Floats]:
        """(B, M) each: from `profiles` (B, N) forth and back, by others' pairs."""
        forth = _through(states, profiles, self.forth, self.back)
        back = _through(states, profiles, self.back, self.forth)
        dense = profiles.toarray()
        for state in np.flatnonzero(states.rows != NOBODY):
            own = slice(self.starts[states.rows[state]], self.starts[states.rows[state] + 1])
            earlier, later, weights = self.earlier[own], self.later[own], self.weights[own]
            forth[state] -= states.here(_summed(later, dense[state, earlier] * weights, dense.shape[1]))
            back[state] -= states.here(_summed(earlier, dense[state, later] * weights, dense.shape[1]))
        # What is left of equal sums that were rounded differently is nothing.
        return np.maximum(forth, 0), np.maximum(back, 0)


def _through(states: States, profiles: SparseRows, matrix: SparseRows, transposed: SparseRows) -> Floats:
    """(B, M): `profiles` (B, N) times `matrix` (N, N), of which few columns are cheap as rows of its transpose."""
    if states.columns is None:
        return np.asarray((profiles @ matrix).toarray())
    return np.ascontiguousarray((transposed[states.columns] @ profiles.T).toarray().T)


def _summed(items: Indexes, weights: Floats, count: int) -> Floats:
    """(count,): weights added up by item."""
    return np.bincount(items, weights, count).astype(np.float32)
