"""EASE in its dual form, over users instead of items, with any row left out exactly.

With X (R, N) of rows, and Steck's P = (X'X + penalty I)^-1 ("Embarrassingly Shallow Autoencoders", WWW 2019), the
Woodbury identity gives P = (I - X' K X) / penalty with K = (X X' + penalty I)^-1, (R, R). A profile f is scored
f - f P / diag(P). Without row u of X (Sherman-Morrison), P grows by z z' / s with z = K[u] X and s = penalty K[u, u].
No N x N matrix is made, and no dense R x N one is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from scipy import linalg, sparse

from modalmesh_services.fusion_ranker.dataset.arrays import Floats, SparseRows
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import NOBODY, by_item
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.dense import Dense
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.states import States

_COLUMNS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Ease:
    """`by_item` (N, U) CSR: the crowd's rows of X; `content` (N, C) float32: its further rows, which say what an item
    is (Ning & Karypis, "Sparse Linear Methods with Side Information", RecSys 2012). R = U + C. `inverse` (R, R)
    float32 and `diagonal` (N,) float64 are K and P's diagonal.
    """

    by_item: SparseRows
    content: Dense
    inverse: Dense
    diagonal: npt.NDArray[np.float64]
    penalty: float

    @classmethod
    def of(cls, rows: SparseRows, penalty: float, content: Floats | None = None) -> "Ease":
        """`rows` (U, N) CSR of the crowd, `content` (N, C)."""
        side = np.zeros((rows.shape[1], 0), np.float32) if content is None else content
        by_items = by_item(rows)
        columns = sparse.hstack([by_items, sparse.csr_array(side)], format="csr").astype(np.float64)
        gram = (columns.T @ columns).toarray()
        inverse = linalg.inv(gram + penalty * np.eye(len(gram)), overwrite_a=True, check_finite=False)
        explained = np.concatenate(
            [
                np.asarray(part.multiply(part @ inverse).sum(axis=1)).ravel()
                for part in (
                    columns[start : start + _COLUMNS_AT_ONCE] for start in range(0, columns.shape[0], _COLUMNS_AT_ONCE)
                )
            ]
        )
        return cls(by_items, Dense(side), Dense(inverse.astype(np.float32)), (1 - explained) / penalty, penalty)

    def on(self, device: torch.device) -> "Ease":
        """With its dense matrices there: a request is multiplied by all of K, whatever it asks for."""
        return replace(self, content=self.content.on(device), inverse=self.inverse.on(device))

    def scores(self, states: States, users: Floats, profiles: Sequence[Floats]) -> list[Floats]:
        """(B, M) for each of `profiles` (B, n); `users` (n, U) are the crowd's rows of X, of the states' items. Of
        items that a profile names, they mean nothing.
        """
        rows = np.concatenate([users, self.content.values[states.items]], axis=1)
        overlap = np.concatenate(profiles) @ rows
        diagonal = states.here(self.diagonal)
        if states.strangers:
            whole = self._through(states, overlap, overlap[:0])[0].reshape(len(profiles), len(states), -1)
            return list(np.asarray(whole / diagonal, np.float32))
        known = states.rows != NOBODY
        inverse, row = self.inverse.values, np.where(known, states.rows, 0)
        own = np.where(known[:, None], inverse[row], 0)
        rest = np.where(known, self.penalty * np.diagonal(inverse)[row], 1)[:, None]
        found, directions = self._through(states, overlap, own)
        through_own = (overlap.reshape(len(profiles), *own.shape) * own).sum(axis=2, keepdims=True, dtype=np.float64)
        whole = found.reshape(len(profiles), len(states), -1) - through_own / rest * directions
        return list(np.asarray(whole / (diagonal + directions.astype(np.float64) ** 2 / rest), np.float32))

    def _through(self, states: States, overlap: Floats, own: Floats) -> tuple[Floats, Floats]:
        """`overlap` (P, R) @ K @ X / penalty, (P, M), and `own` (B, R) @ X, (B, M)."""
        if states.columns is None:
            through = self.inverse.after(overlap) / np.float32(self.penalty)
            found = self._spread(states, np.concatenate([through, own]))
            return found[: len(overlap)], found[len(overlap) :]
        # Of few items, from their side.
        columns = np.concatenate(
            [self.by_item[states.columns].toarray(), self.content.values[states.columns]], axis=1
        ).T
        return overlap @ (self.inverse.before(columns) / np.float32(self.penalty)), own @ columns

    def _spread(self, states: States, weights: Floats) -> Floats:
        """(P, M): `weights` (P, R) @ X."""
        users = self.by_item.shape[1]
        found = states.spread(weights[:, :users], self.by_item)
        if self.content.values.shape[1]:
            found += self.content.before(weights[:, users:].T).T
        return found
