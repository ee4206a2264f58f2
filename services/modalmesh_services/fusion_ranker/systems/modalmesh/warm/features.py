"""States -> the candidates of each, and what is known of each pair, as rows for the network."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes
from modalmesh_services.fusion_ranker.systems.modalmesh.warm import candidates as choosing
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.content import Content
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.context import context
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.likeness import content_features
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.models import ABSOLUTE, LEADING, Models, standardised
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.states import States

_CHOSEN_BY = ("cease_r15", "ease_r40", "uknn_r15", "uknn_1y", "bw3", "fw3", "fw15", "ease")
_CHOSEN_BY_WITHOUT_ORDER = ("cease", "ease", "uknn", "uknn_raw", "iknn", "rp3")
_RANKED_BY = ("cease_r15", "ease_r40", "uknn_1y")
_RANKED_BY_WITHOUT_ORDER = ("cease", "ease", "uknn")


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """`items` (B, C) int32, the best first, -1 where there are no more; `features` (B, C, F) float32 by `names` (F,);
    `leading` (B, N) float32, by which the items that are no candidates go.
    """

    items: Indexes
    features: Floats
    names: tuple[str, ...]
    leading: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """`known` (N,) bool: the items that may be candidates."""

    models: Models
    content: Content
    known: Flags

    def pairs(self, states: States) -> Pairs:
        scores = self.models.scores(states)
        allowed = self.known & ~states.seen
        by = _CHOSEN_BY if self.models.with_order else _CHOSEN_BY_WITHOUT_ORDER
        fused = choosing.fuse(scores, by, allowed)
        items = choosing.choose(fused, scores[LEADING], allowed)
        columns = {
            name: _at(own if name in ABSOLUTE else standardised(own, allowed), items) for name, own in scores.items()
        }
        columns["fuse"] = _at(fused, items)
        for name in _RANKED_BY if self.models.with_order else _RANKED_BY_WITHOUT_ORDER:
            columns[f"rank.{name}"] = _log_ranks(columns[name])
        rest = [self._of_state(states, state, items[state]) for state in range(len(states))]
        columns |= {name: np.stack([own[name] for own in rest]) for name in rest[0]}
        if self.models.with_order:
            columns["pop_gap10"] = columns["pop_all"] - columns["u_pop10"]
        features = np.stack(list(columns.values()), axis=-1)
        return Pairs(items, features, tuple(columns), standardised(scores[LEADING], allowed))

    def _of_state(self, states: States, state: int, items: Indexes) -> Mapping[str, Floats]:
        history, now = states.histories[state], int(states.times_ms[state])
        order = self.models.with_order
        log_popularity = np.log1p(states.rating_counts[state])
        whole = context(history, log_popularity, self.content.years, now, with_order=order)
        return {
            **content_features(self.content, history, items, now, with_order=order),
            **{name: np.full(len(items), value, np.float32) for name, value in whole.items()},
        }


def _at(scores: Floats, items: Indexes) -> Floats:
    return np.take_along_axis(scores, np.maximum(items, 0), axis=1)


def _log_ranks(scores: Floats) -> Floats:
    """(B, C): ln(1 + rank), ranks from 1."""
    ranks = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1, kind="stable") + 1
    return np.log1p(ranks).astype(np.float32)
