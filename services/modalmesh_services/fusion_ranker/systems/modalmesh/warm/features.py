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
    """Of S models' scores over a user's unseen items, (S, B, 1) each; 0 and 1 where scores mean the same for all."""

    mean: Floats
    deviation: Floats

    @classmethod
    def of(cls, names: Sequence[str], scores: Floats, among: Flags) -> "Moments":
        """Of `scores` (S, B, N) by `names` (S,), over the items `among` (B, N)."""
        mean = np.zeros((len(names), len(among), 1), np.float32)
        deviation = np.ones_like(mean)
        relative = np.array([name not in ABSOLUTE for name in names])
        for row, left in enumerate(map(np.flatnonzero, ~among)):
            own, count = scores[relative, row], max(among.shape[1] - len(left), 1)
            own[:, left] = 0
            means = (own.sum(axis=1, keepdims=True, dtype=np.float64) / count).astype(np.float32)
            own -= means
            own[:, left] = 0
            own *= own
            spread = np.sqrt(own.sum(axis=1, keepdims=True) / count)
            mean[relative, row], deviation[relative, row] = means, np.maximum(spread, 1e-9)
        return cls(mean, deviation)

    def of_one(self, model: int) -> "Moments":
        """(B, 1) each."""
        return Moments(self.mean[model], self.deviation[model])

    def __call__(self, scores: Floats) -> Floats:
        """(S, B, C) of as many."""
        return np.asarray((scores - self.mean) / self.deviation, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What the features of a pair take from all items: the models' moments, `fused` (B, N) places in the models' lists,
    and by name what the candidates have of the scores that are ranked, (B, C), -inf where there is none.
    """

    moments: Moments
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
        names, values = tuple(scores), np.stack(list(scores.values()))
        allowed = self.known & ~states.seen
        moments = Moments.of(names, values, allowed)
        by = _CHOSEN_BY if self.models.with_order else _CHOSEN_BY_WITHOUT_ORDER
        fused = choosing.fuse(scores, by, allowed)
        items = choosing.choose(fused, scores[LEADING], allowed)
        at = np.stack([values[:, state, np.maximum(own, 0)] for state, own in enumerate(items)], axis=1)
        ranked = {name: np.where(items >= 0, at[names.index(name)], -np.inf) for name in self._ranked_by}
        frame = Frame(moments, fused, ranked)
        content = [self._content(states, state, own, None) for state, own in enumerate(items)]
        together = {name: np.concatenate([own[name] for own in content]) for name in content[0]}
        features, feature_names = self._rows(states, dict(zip(names, at, strict=True)), items, frame, together)
        return Pairs(items, features, feature_names, moments.of_one(names.index(LEADING))(scores[LEADING]), frame)

    def again(self, states: States, kept: Flags, frame: Frame) -> Floats:
        """(B, M, F): of the states' columns, in the frame of another state: what a changed history changes. The states
        have the events `kept` (B, n) of the first one's history, which is whole.
        """
        columns = np.asarray(states.columns, np.int32)
        items = np.broadcast_to(columns, (len(states), len(columns)))
        content = self._content(states, 0, columns, kept)
        return self._rows(states, self.models.scores(states), items, frame, content)[0]

    @property
    def _ranked_by(self) -> Sequence[str]:
        return _RANKED_BY if self.models.with_order else _RANKED_BY_WITHOUT_ORDER

    def _content(self, states: States, state: int, items: Indexes, kept: Flags | None) -> Mapping[str, Floats]:
        """(V, C) each, of the history of `state` or V variants of it."""
        history = states.histories[state]
        which = np.ones((1, len(history)), np.bool_) if kept is None else kept
        now = int(states.times_ms[state])
        order = self.models.with_order
        user = context(history, which, states.rating_counts[state], self.content.years, now, with_order=order)
        return {
            **content_features(self.content, history, which, items, now, with_order=order),
            **{name: np.broadcast_to(own[:, None], (len(which), len(items))) for name, own in user.items()},
        }

    def _rows(
        self,
        states: States,
        scores: Mapping[str, Floats],
        items: Indexes,
        frame: Frame,
        content: Mapping[str, Floats],
    ) -> tuple[Floats, tuple[str, ...]]:
        """(B, C, F) and its names, of `scores` and `content` (B, C) by name of `items` (B, C)."""
        columns = dict(zip(scores, frame.moments(np.stack(list(scores.values()))), strict=True))
        columns["fuse"] = _at(np.broadcast_to(frame.fused, (len(states), frame.fused.shape[1])), items)
        for name in self._ranked_by:
            columns[f"rank.{name}"] = _log_ranks(scores[name], frame.ranked[name])
        columns |= content
        if self.models.with_order:
            columns["pop_gap10"] = columns["pop_all"] - columns["u_pop10"]
        else:
            columns["year_era"] = columns["year"] - columns["u_era"]
        return np.stack(list(columns.values()), axis=-1).astype(np.float32, copy=False), tuple(columns)


def _at(scores: Floats, items: Indexes) -> Floats:
    return np.take_along_axis(scores, np.maximum(items, 0), axis=1)


def _log_ranks(scores: Floats, among: Floats) -> Floats:
    """(B, C): ln(1 + rank), ranks from 1, of scores (B, C) where `among` (B or 1, K) are those of the candidates."""
    if len(among) == 1:
        return _log_places(scores, among[0])
    return np.stack([_log_places(own, its) for own, its in zip(scores, among, strict=True)])


def _log_places(scores: Floats, among: Floats) -> Floats:
    ordered = np.sort(among)
    places = len(ordered) - np.searchsorted(ordered, scores, side="right") + 1
    return np.log1p(places.astype(np.float32))
