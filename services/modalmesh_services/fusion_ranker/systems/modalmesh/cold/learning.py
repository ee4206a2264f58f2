"""The cold half of the default ranker: learn from content and likes, score all items by their content alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from modalmesh_services.fusion_ranker.dataset import Catalogue, History, liked_matrix
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Times
from modalmesh_services.fusion_ranker.systems.interface import Parts, Training
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.blend import Blend
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content import content_of, schema_of
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content_side import ContentSide, Described
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.crowd_factors import CrowdFactors
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.features import (
    POPULARITY,
    KindMoments,
    Liked,
    Space,
    first_and_last,
    gates_of,
)
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.honest_lists import Crowd, Likes, make_honest
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.item_table import ItemTable, Rows
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.kept import KeptCold
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.missing import CompletionKind
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.model import ColdModel, adding
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.popularity import Popularity
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.ridge import solve
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.similarities import Moments

_USERS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, eq=False)
class FittedCold:
    """`table` are the catalogue's N items; `known` (N,) bool: those whose likes were learned from, `adds` (N, d) and
    `log_likes` (N,): what each of the N adds to a user who likes it, and how many do, predicted where it isn't known.
    """

    model: ColdModel
    item_ids: tuple[str, ...]
    table: ItemTable
    known: Flags
    adds: Floats
    log_likes: Floats

    def score(self, histories: Sequence[History], times_ms: Times) -> Floats:
        """(U, N) float32: log odds that a user likes an item, from what was liked and from the item's content alone.

        When a user asks doesn't matter.
        """
        return self.score_items(histories, np.arange(len(self.table)))

    def score_items(self, histories: Sequence[History], rows: Rows) -> Floats:
        """(U, R) float32: the same of the items at `rows` (R,) int64 alone."""
        starts = range(0, len(histories), _USERS_AT_ONCE)
        parts = [self._score(histories[start : start + _USERS_AT_ONCE], self.table[rows]) for start in starts]
        return np.concatenate([np.zeros((0, len(rows)), np.float32), *parts])

    def _score(self, histories: Sequence[History], items: ItemTable) -> Floats:
        likes = liked_matrix(histories, len(self.table))
        rows = np.flatnonzero(np.asarray(likes.sum(axis=0)))
        first, last = times_of(histories, self.model.has_order)
        liked = Liked(likes[:, rows], self.table[rows], self.adds[rows], self.log_likes[rows], first, last)
        return self.model.log_odds(liked, items)

    def parts(self) -> Parts:
        """The catalogue's items are the vocabulary."""
        kept = KeptCold(
            self.model, np.flatnonzero(self.known).astype(np.int32), self.adds[self.known], self.log_likes[self.known]
        )
        return kept.parts(self.item_ids)

    def serving(self, catalogue: Catalogue) -> "FittedCold":
        """The same, of a catalogue that has since lost texts or pictures."""
        table = self.model.table(content_of(catalogue, self.model.schema))
        adds, log_likes = _of_known(self.model, table, self.known, self.adds, self.log_likes)
        return replace(self, table=table, adds=adds, log_likes=log_likes)


def fit(training: Training, completion: CompletionKind = "mean") -> FittedCold:
    """Learn from the trainable items' content and likes. The same training gives the same model."""
    catalogue, trainable = training.catalogue, training.trainable
    schema = schema_of(catalogue)
    content = content_of(catalogue, schema)
    side = ContentSide.fit(content, trainable, completion)
    described = side.describe(content)
    kinds = kind_moments(side, described, trainable)
    crowd = crowd_of(training)
    honest = make_honest(described, crowd, kinds)
    factors, log_counts = crowd.factors, crowd.likes.log_counts
    known = trainable & (log_counts > 0)
    liked = log_counts[trainable] > 0
    own = described.design[trainable]
    targets = np.concatenate([factors.items, log_counts[trainable, None]], axis=1)
    model = ColdModel(
        schema,
        side,
        solve(own.gram(), own.towards(targets)),
        adding(honest.factors[known], factors.history[liked], factors.widths),
        Popularity.fit(described.encoded, log_counts, trainable),
        Space.of(factors.widths, honest.factors[trainable], kinds),
        Blend.fit(honest, gates_of(kinds, honest.best.features.shape[-1])),
        training.has_order,
    )
    adds = np.zeros((len(catalogue), factors.history.shape[1]), np.float32)
    adds[trainable] = factors.history
    table = model.table(content)
    return FittedCold(model, catalogue.item_ids, table, known, *_of_known(model, table, known, adds, log_counts))


def times_of(histories: Sequence[History], has_order: bool) -> tuple[Floats, Floats]:
    """(U,) each: years of the first and the last like, NaN where times mean nothing."""
    if has_order:
        return first_and_last(histories)
    nothing = np.full(len(histories), np.nan, np.float32)
    return nothing, nothing


def crowd_of(training: Training) -> Crowd:
    matrix = liked_matrix(training.histories, len(training.catalogue))
    log_counts = np.log1p(np.asarray(matrix.sum(axis=0))).astype(np.float32)
    likes = Likes(matrix, *times_of(training.histories, training.has_order), log_counts)
    factors = CrowdFactors.fit(matrix[:, np.flatnonzero(training.trainable)])
    return Crowd(likes, training.trainable, factors)


def kind_moments(side: ContentSide, described: Described, rows: Flags) -> KindMoments:
    """Over the trainable items that have a kind at all."""
    kinds = {name: Moments.of(own[rows & own.any(axis=1)]) for name, own in described.kinds.items()}
    return KindMoments(kinds, side.kinds.weights, side.origin)


def _of_known(
    model: ColdModel, table: ItemTable, known: Flags, adds: Floats, log_likes: Floats
) -> tuple[Floats, Floats]:
    """What is known of items, and what is predicted of the others."""
    predicted = table.factors @ model.adds
    return (
        np.where(known[:, None], adds, predicted).astype(np.float32),
        np.where(known, log_likes, table.numbers[POPULARITY]).astype(np.float32),
    )
