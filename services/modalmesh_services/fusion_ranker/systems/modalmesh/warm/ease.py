"""EASE in its dual form, over users instead of items, with any row left out exactly.

With X (R, N) of rows, and Steck's P = (X'X + penalty I)^-1 ("Embarrassingly Shallow Autoencoders", WWW 2019), the
Woodbury identity gives P = (I - X' K X) / penalty with K = (X X' + penalty I)^-1, (R, R). A profile f is scored
f - f P / diag(P). Without row u of X (Sherman-Morrison), P grows by z z' / s with z = K[u] X and s = penalty K[u, u].
No N x N matrix is made, and no dense R x N one is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse

from modalmesh_services.fusion_ranker.dataset.arrays import Floats, SparseRows
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import NOBODY, by_item
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.states import States

_COLUMNS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Ease:
    """`by_item` (N, U) CSR: the crowd's rows of X; `content` (N, C) float32: its further rows, which say what an item
    is (Ning & Karypis, "Sparse Linear Methods with Side Information", RecSys 2012). R = U + C. `inverse` (R, R) and
    `diagonal` (N,) float64 are K and P's diagonal.
    """

    by_item: SparseRows
    content: Floats
    inverse: npt.NDArray[np.float64]
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
        return cls(by_items, side, inverse, (1 - explained) / penalty, penalty)

    def scores(self, states: States, users: Floats, profiles: Sequence[Floats]) -> list[Floats]:
        """(B, M) for each of `profiles` (B, n); `users` (n, U) are the crowd's rows of X, of the states' items. Of
        items that a profile names, they mean nothing.
        """
        rows = np.concatenate([users, self.content[states.items]], axis=1)
        overlap = (np.concatenate(profiles) @ rows).astype(np.float64)
        # (K, B, M)
        whole = self._through(states, overlap).reshape(len(profiles), len(states), -1)
        diagonal = states.here(self.diagonal)
        if not states.strangers:
            known = states.rows != NOBODY
            own = np.where(known[:, None], self.inverse[np.where(known, states.rows, 0)], 0)
            rest = np.where(known, self.penalty * np.diagonal(self.inverse)[np.where(known, states.rows, 0)], 1)
            directions = self._spread(states, own).astype(np.float64)
            through_own = (overlap.reshape(len(profiles), *own.shape) * own).sum(axis=2, keepdims=True)
            whole = whole - through_own / rest[:, None] * directions
            diagonal = diagonal + directions**2 / rest[:, None]
        return list(np.asarray(whole / diagonal, np.float32))

    def _through(self, states: States, overlap: npt.NDArray[np.float64]) -> npt.NDArray[np.floating]:
        """(P, M): `overlap` (P, R) @ K @ X; for few items, from their side."""
        if states.columns is None:
            return self._spread(states, overlap @ self.inverse / self.penalty)
        columns = np.concatenate([self.by_item[states.columns].toarray(), self.content[states.columns]], axis=1)
        towards: npt.NDArray[np.float64] = self.inverse @ columns.T / self.penalty
        return overlap @ towards

    def _spread(self, states: States, weights: npt.NDArray[np.float64]) -> Floats:
        """(P, M): `weights` (P, R) @ X."""
        users = self.by_item.shape[1]
        by_content = weights[:, users:].astype(np.float32) @ states.here(self.content.T)
        return states.spread(weights[:, :users], self.by_item) + by_content
