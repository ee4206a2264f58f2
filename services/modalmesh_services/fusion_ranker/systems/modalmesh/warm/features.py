"""States -> the candidates of each, and what is known of each pair, as rows for the network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes
from modalmesh_services.fusion_ranker.systems.modalmesh.warm import candidates as choosing
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.content import Content
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.context import context
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.likeness import content_features
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.models import ABSOLUTE, LEADING, Models
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.states import States

_CHOSEN_BY = ("cease_liked", "cease_r15", "ease_r40", "uknn_r15", "uknn_1y", "bw3", "fw3", "fw15", "ease")
_CHOSEN_BY_WITHOUT_ORDER = ("cease_liked", "cease", "ease", "uknn", "uknn_raw", "iknn", "rp3")
_RANKED_BY = ("cease_r15", "ease_r40", "uknn_1y")
_RANKED_BY_WITHOUT_ORDER = ("cease_liked", "ease", "uknn")


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Of a model's scores over a user's unseen items, (B, 1) each."""

    mean: Floats
    deviation: Floats

    @classmethod
    def of(cls, scores: Floats, among: Flags) -> "Moments":
        count = np.maximum(among.sum(axis=1, keepdims=True), 1)
        mean = (np.where(among, scores, 0).sum(axis=1, keepdims=True, dtype=np.float64) / count).astype(np.float32)
        above = np.where(among, scores - mean, 0)
        deviation = np.sqrt((above * above).sum(axis=1, keepdims=True) / count)
        return cls(mean, np.maximum(deviation, 1e-9).astype(np.float32))

    def __call__(self, scores: Floats) -> Floats:
        return np.asarray((scores - self.mean) / self.deviation, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What the features of a pair take from all items: moments by a model's name, `fused` (B, N) places in the models'
    lists, and by name what the candidates have of the scores that are ranked, (B, C), -inf where there is none.
    """

    moments: Mapping[str, Moments]
    fused: Floats
    ranked: Mapping[str, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """`items` (B, C) int32, the best first, -1 where there are no more; `features` (B, C, F) float32 by `names` (F,);
    `leading` (B, N) float32, by which the items that are no candidates go.
    """

    items: Indexes
    features: Floats
    names: tuple[str, ...]
    leading: Floats
    frame: Frame

    @property
    def leads(self) -> Floats:
        """(B, C): what leads, of the candidates."""
        return _at(self.leading, self.items)


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """`known` (N,) bool: the items that may be candidates."""

    models: Models
    content: Content
    known: Flags

    def pairs(self, states: States) -> Pairs:
        scores = self.models.scores(states)
        allowed = self.known & ~states.seen
        moments = {name: Moments.of(own, allowed) for name, own in scores.items() if name not in ABSOLUTE}
        by = _CHOSEN_BY if self.models.with_order else _CHOSEN_BY_WITHOUT_ORDER
        fused = choosing.fuse(scores, by, allowed)
        items = choosing.choose(fused, scores[LEADING], allowed)
        at = {name: _at(own, items) for name, own in scores.items()}
        ranked = {name: np.where(items >= 0, at[name], -np.inf).astype(np.float32) for name in self._ranked_by}
        frame = Frame(moments, fused, ranked)
        features, names = self._rows(states, at, items, frame)
        return Pairs(items, features, names, moments[LEADING](scores[LEADING]), frame)

    def again(self, states: States, frame: Frame) -> Floats:
        """(B, M, F): of the states' columns, in the frame of another state: what a changed history changes."""
        items = np.broadcast_to(np.asarray(states.columns, np.int32), (len(states), len(states.columns)))  # type: ignore[arg-type]
        return self._rows(states, self.models.scores(states), items, frame)[0]

    @property
    def _ranked_by(self) -> Sequence[str]:
        return _RANKED_BY if self.models.with_order else _RANKED_BY_WITHOUT_ORDER

    def _rows(
        self, states: States, scores: Mapping[str, Floats], items: Indexes, frame: Frame
    ) -> tuple[Floats, tuple[str, ...]]:
        """(B, C, F) and its names, of `scores` (B, C) by name of `items` (B, C)."""
        columns = {name: frame.moments[name](own) if name in frame.moments else own for name, own in scores.items()}
        columns["fuse"] = _at(np.broadcast_to(frame.fused, (len(states), frame.fused.shape[1])), items)
        for name in self._ranked_by:
            columns[f"rank.{name}"] = _log_ranks(scores[name], frame.ranked[name])
        rest = [self._of_state(states, state, items[state]) for state in range(len(states))]
        columns |= {name: np.stack([own[name] for own in rest]) for name in rest[0]}
        if self.models.with_order:
            columns["pop_gap10"] = columns["pop_all"] - columns["u_pop10"]
        else:
            columns["year_era"] = columns["year"] - columns["u_era"]
        return np.stack(list(columns.values()), axis=-1).astype(np.float32, copy=False), tuple(columns)

    def _of_state(self, states: States, state: int, items: Indexes) -> Mapping[str, Floats]:
        history, now = states.histories[state], int(states.times_ms[state])
        order = self.models.with_order
        counts = states.rating_counts[state]
        whole = context(history, counts, self.content.years, now, with_order=order)
        return {
            **content_features(self.content, history, items, now, with_order=order),
            **{name: np.full(len(items), value, np.float32) for name, value in whole.items()},
        }


def _at(scores: Floats, items: Indexes) -> Floats:
    return np.take_along_axis(scores, np.maximum(items, 0), axis=1)


def _log_ranks(scores: Floats, among: Floats) -> Floats:
    """(B, C): ln(1 + rank), ranks from 1, of scores (B, C) where `among` (B or 1, K) are those of the candidates."""
    ranks = np.empty(scores.shape, np.float32)
    for row, own in enumerate(scores):
        ordered = np.sort(among[row if len(among) > 1 else 0])
        ranks[row] = len(ordered) - np.searchsorted(ordered, own, side="right") + 1
    return np.asarray(np.log1p(ranks), np.float32)
