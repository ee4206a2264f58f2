"""Lists of items that were made cold on purpose, so that what is learned of them holds for items nobody has liked.

The trainable items are dealt to folds; each fold's items are described by a model of the other folds' likes alone, and
are scored for users whose histories lack them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes, SparseRows
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content_side import Described
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.crowd_factors import CrowdFactors
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.features import (
    LINEAR_POPULARITY,
    POPULARITY,
    KindMoments,
    Liked,
    Space,
    features,
    lead_of,
)
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.item_table import ItemTable, Rows
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.popularity import Popularity
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.ridge import solve

FOLDS = 5
LENGTH = 200
DRAWN = 100


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """L lists of K items: `features` (L, K, F) float32 and which were `liked` (L, K) bool."""

    features: Floats
    liked: Flags

    @classmethod
    def join(cls, parts: Sequence["Lists"]) -> "Lists":
        return cls(np.concatenate([each.features for each in parts]), np.concatenate([each.liked for each in parts]))


@dataclass(frozen=True, slots=True, eq=False)
class Honest:
    """`best`: the items that lead, of users with a like among them; `drawn`: any items, of all users with a history.

    `factors` (N, d): every trainable item's predicted factors in the views of the whole crowd, as if it were cold.
    """

    best: Lists
    drawn: Lists
    factors: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Likes:
    """`matrix` (U, N) CSR of 0 and 1, `first_year` and `last_year` (U,) of each user's likes, `log_counts` (N,)."""

    matrix: SparseRows
    first_year: Floats
    last_year: Floats
    log_counts: Floats

    def of(self, rows: Flags, items: ItemTable, adds: Floats) -> Liked:
        """Of the items of `rows` (N,) bool alone; `items` and `adds` are theirs."""
        matrix = self.matrix[:, np.flatnonzero(rows)]
        return Liked(matrix, items, adds, self.log_counts[rows], self.first_year, self.last_year)


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """Likes of the `trainable` (N,) bool items, and the factors that all of them together give."""

    likes: Likes
    trainable: Flags
    factors: CrowdFactors


def deal(trainable: Flags) -> Indexes:
    """(N,) int32: each trainable item's fold, -1 for the others."""
    rows = np.random.default_rng(0).permutation(np.flatnonzero(trainable))
    folds = np.full(len(trainable), -1, np.int32)
    folds[rows] = np.arange(len(rows)) % FOLDS
    return folds


def make_honest(described: Described, crowd: Crowd, kinds: KindMoments) -> Honest:
    """Score each fold's items as cold ones."""
    folds, trainable, likes = deal(crowd.trainable), crowd.trainable, crowd.likes
    gram = described.design[trainable].gram()
    whole = np.zeros((len(trainable), crowd.factors.items.shape[1]), np.float32)
    whole[trainable] = crowd.factors.items
    factors = np.zeros_like(whole)
    best, drawn = [], []
    least = int(np.bincount(folds[trainable], minlength=1).min())
    for fold in range(int(folds.max()) + 1):
        away, rest = folds == fold, (folds != fold) & trainable
        others = CrowdFactors.fit(likes.matrix[:, np.flatnonzero(rest)])
        targets = np.concatenate([others.items, likes.log_counts[rest, None], whole[rest]], axis=1)
        weights = solve(gram - described.design[away].gram(), described.design[rest].towards(targets))
        predicted, linear, factors[away] = np.split(
            described.design[away].times(weights), np.cumsum([others.items.shape[1], 1]), axis=1
        )
        popularity = Popularity.fit(described.encoded, likes.log_counts, rest)(described.encoded)[away]
        items = described.table(away, predicted, {POPULARITY: popularity, LINEAR_POPULARITY: linear[:, 0]})
        # What the history's own items are predicted to be plays no part: the crowd knows them.
        unknown = np.zeros((np.count_nonzero(rest), predicted.shape[1]), np.float32)
        liked = likes.of(rest, described.table(rest, unknown, {}), others.history)
        space = Space.of(others.widths, predicted, kinds)
        found = features(liked, items, space)
        wanted = np.asarray(likes.matrix[:, np.flatnonzero(away)].toarray()) > 0
        with_history = np.asarray(liked.likes.sum(axis=1)) > 0
        best.append(_best(found, wanted, with_history, min(LENGTH, least)))
        drawn.append(_drawn(found, wanted, with_history, min(DRAWN, least)))
    return Honest(Lists.join(best), Lists.join(drawn), factors)


def _best(found: Sequence[Floats], wanted: Flags, with_history: Flags, length: int) -> Lists:
    """The items that lead, of those users who like one of them."""
    columns = np.argsort(-lead_of(found), axis=1, kind="stable")[:, :length]
    useful = with_history & np.take_along_axis(wanted, columns, axis=1).any(axis=1)
    return _chosen(found, wanted, columns, useful)


def _drawn(found: Sequence[Floats], wanted: Flags, with_history: Flags, length: int) -> Lists:
    """Items at random, the same for all users: their likes are as frequent as among all items."""
    columns = np.sort(np.random.default_rng(0).permutation(wanted.shape[1])[:length])
    return _chosen(found, wanted, np.tile(columns, (len(wanted), 1)), with_history)


def _chosen(found: Sequence[Floats], wanted: Flags, columns: Rows, users: Flags) -> Lists:
    arrays = [np.take_along_axis(each, columns, axis=1)[users] for each in found]
    return Lists(np.stack(arrays, axis=2), np.take_along_axis(wanted, columns, axis=1)[users])
