"""What a crowd's likes say of items and of users, as vectors whose products are scores.

Three views: a plain and a wide singular value decomposition, and one of the scores of EASE (Steck 2019), in its dual
form, which inverts a matrix of users by users. An unseen user needs only the rows of the items that were liked.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from modalmesh_services.fusion_ranker.dataset.arrays import Floats, SparseRows

PLAIN, WIDE, ITEM_ITEM = 96, 24, 256
_PLAIN_POWER, _WIDE_POWER = 0.5, 0.3
_PENALTY, _SELF = 50.0, 0.3
MOST_HISTORIES = 3000
"""The inverse's time grows by the cube of the histories: of more of them, evenly spaced ones are taken."""


@dataclass(frozen=True, slots=True, eq=False)
class CrowdFactors:
    """`items` (n, d) float32: what an item is scored by; `history` (n, d): what it adds to a user who liked it.

    The d columns are of three views, `widths` of them each; a user is his sum of `history` over the root of his likes.
    """

    items: Floats
    history: Floats
    widths: tuple[int, ...]

    @classmethod
    def fit(cls, likes: SparseRows) -> "CrowdFactors":
        """`likes` (U, n) CSR of 0 and 1. Views get fewer columns where users or items are few."""
        rows = np.asarray(likes.sum(axis=1)) > 0
        kept = np.flatnonzero(rows)
        kept = kept[np.linspace(0, len(kept) - 1, min(len(kept), MOST_HISTORIES)).round().astype(np.int64)]
        matrix = np.asarray(likes[kept].toarray(), np.float32)
        per_user = np.sqrt(np.maximum(matrix.sum(axis=1, keepdims=True), 1))
        per_item = np.maximum(np.asarray(likes.sum(axis=0)), 1).astype(np.float32)
        views = [
            _plain(matrix / per_user, per_item**-_PLAIN_POWER, PLAIN),
            _plain(matrix / per_user, per_item**-_WIDE_POWER, WIDE),
            _item_item(matrix, per_user),
        ]
        items, history = (np.concatenate(parts, axis=1) for parts in zip(*views, strict=True))
        return cls(items, history, tuple(items.shape[1] for items, _ in views))


def users_of(likes: SparseRows, history: Floats) -> Floats:
    """(U, d) float32: users by their likes (U, n) CSR and what each item adds (n, d)."""
    counts = np.maximum(np.asarray(likes.sum(axis=1)), 1)
    return np.asarray((likes @ history) / np.sqrt(counts)[:, None], np.float32)


def _plain(matrix: Floats, scales: Floats, width: int) -> tuple[Floats, Floats]:
    """Items and what they add: (n, width) each, of the singular vectors of `matrix` (U, n) times `scales` (n,)."""
    items = _right_vectors(matrix * scales, width)
    return items, np.asarray(items * scales[:, None], np.float32)


def _item_item(matrix: Floats, per_user: Floats) -> tuple[Floats, Floats]:
    """The same of EASE's scores: B = I - P / diag P, P = (R'R + l I)^-1 = (I - R' (R R' + l I)^-1 R) / l."""
    inner = matrix @ matrix.T
    inner[np.diag_indices_from(inner)] += _PENALTY
    dual = np.asarray(linalg.solve(inner, matrix, assume_a="pos"), np.float32)
    diagonal = (1 - np.einsum("un,un->n", matrix, dual)) / _PENALTY

    def through(rows: Floats) -> Floats:
        """(n, d) to (B + self I) times it."""
        scaled = rows / diagonal[:, None]
        return np.asarray((1 + _SELF) * rows - (scaled - matrix.T @ (dual @ scaled)) / _PENALTY, np.float32)

    # R (B + self I): R P = (R - R R' dual) / l, by the same identity.
    projected = (matrix - (matrix @ matrix.T) @ dual) / _PENALTY
    scores = (1 + _SELF) * matrix - projected / diagonal
    items = _right_vectors(scores / per_user, ITEM_ITEM)
    return items, through(items)


def _right_vectors(matrix: Floats, width: int) -> Floats:
    """(n, at most width) float32 right singular vectors of (U, n), the strongest first, each of a fixed sign."""
    values, left = np.linalg.eigh(np.asarray(matrix @ matrix.T, np.float64))
    kept = np.flatnonzero(values > 1e-7 * max(float(values[-1]) if len(values) else 0.0, 1e-30))[::-1][:width]
    right = (matrix.T @ left[:, kept]) / np.sqrt(values[kept])
    signs = np.sign(right[np.abs(right).argmax(axis=0), np.arange(len(kept))]) if len(kept) else np.ones(0)
    return np.asarray(right * signs, np.float32)
