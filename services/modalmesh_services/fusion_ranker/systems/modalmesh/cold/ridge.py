"""Ridge regression from content to whatever is known of trainable items; folds are left out without a second pass."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, SparseRows
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content_blocks import Encoded
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.weights import bag_weight, number_weight, text_weight

PENALTY = 200.0
_INTERCEPT = 10.0
"""The intercept's column: the larger, the less the penalty holds it back."""


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Rows of a regression: `dense` (N, a) float32 beside `bags` (N, b) float32 CSR."""

    dense: Floats
    bags: SparseRows

    def __getitem__(self, rows: Flags) -> "Design":
        return Design(self.dense[rows], self.bags[rows])

    def times(self, weights: Floats) -> Floats:
        """(N, t) float32 of weights (a + b, t)."""
        width = self.dense.shape[1]
        return np.asarray(self.dense @ weights[:width] + self.bags @ weights[width:], np.float32)

    def gram(self) -> Floats:
        """(a + b, a + b) float32: the rows' products."""
        cross = np.asarray(self.bags.T @ self.dense)
        bags = (self.bags.T @ self.bags).toarray()
        return np.asarray(np.block([[self.dense.T @ self.dense, cross.T], [cross, bags]]), np.float32)

    def towards(self, targets: Floats) -> Floats:
        """(a + b, t) float32: products of columns with targets (N, t)."""
        return np.concatenate([self.dense.T @ targets, self.bags.T @ targets]).astype(np.float32)


def design(encoded: Encoded, extra: Floats) -> Design:
    """All content, each block by its weight; `extra` (N, e) float32 are further columns."""
    rows = len(encoded)
    dense = [np.full((rows, 1), _INTERCEPT, np.float32), extra]
    dense += [text_weight(name) * own for name, own in encoded.dense.items()]
    dense += [number_weight(name) * own for name, own in encoded.hats.items()]
    bags = [bag_weight(name) * own for name, own in encoded.bags.items()]
    none = sparse.csr_array((rows, 0), dtype=np.float32)
    return Design(np.concatenate(dense, axis=1), sparse.csr_array(sparse.hstack([none, *bags])) if bags else none)


def solve(gram: Floats, towards: Floats, penalty: float = PENALTY) -> Floats:
    """(p, t) float32 weights of `gram` (p, p) and `towards` (p, t)."""
    matrix = gram.copy()
    matrix[np.diag_indices_from(matrix)] += penalty
    return np.asarray(linalg.solve(matrix, towards, assume_a="pos", overwrite_a=True, check_finite=False), np.float32)
