"""The best content kNN that a random search finds: which kinds of content count, how much, and how steeply."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modalmesh_services.fusion_ranker import ranking
from modalmesh_services.fusion_ranker.dataset import liked_matrix
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes
from modalmesh_services.fusion_ranker.evaluation.baselines.content_features import (
    features,
    kinds_of,
    lacking,
    raised,
    similarities,
)
from modalmesh_services.fusion_ranker.evaluation.baselines.content_knn import (
    ContentKnn,
    FittedContentKnn,
    Term,
    teaching,
)
from modalmesh_services.fusion_ranker.evaluation.baselines.interface import Baseline
from modalmesh_services.fusion_ranker.evaluation.baselines.tuned import validation
from modalmesh_services.fusion_ranker.evaluation.splits import Split
from modalmesh_services.fusion_ranker.systems.interface import Training

_POWERS = (1, 3)
_CHUNK = 500
_MOST_CELLS = 20_000_000
"""Scores of all kinds that a trial sums up; where there were more, fewer users are asked."""

_ANYWHERE = 0.15
"""The share of trials that start anywhere; the others vary the best weights so far."""


@dataclass(frozen=True, slots=True)
class ContentSearch(Baseline):
    """Weighs every kind of content by what does best on validation; a fixed number of trials, so that it repeats."""

    name: str
    trials: int = 400
    neighbours: int = 1000
    seed: int = 0
    version: int = 2

    def fit(self, training: Training) -> FittedContentKnn:
        return self.choose(training).fit(training)

    def choose(self, training: Training) -> ContentKnn:
        """Without users to try it on every kind counts alike."""
        split = validation(training)
        evidence = _Evidence.of(split, self.seed) if len(split.scored) else None
        if evidence is None or not evidence.terms:
            return ContentKnn(tuple(Term(kind) for kind in kinds_of(training.catalogue)), self.neighbours, self.name)
        weights = self._searched(evidence)
        terms = (
            Term(kind, float(weight / spread), power)
            for (kind, power), weight, spread in zip(evidence.terms, weights, evidence.spreads, strict=True)
            if weight
        )
        return ContentKnn(tuple(terms), self.neighbours, self.name)

    def _searched(self, evidence: "_Evidence") -> Floats:
        random = np.random.default_rng(self.seed)
        best, found = evidence.single()
        for trial in range(self.trials):
            weights = _anywhere(random, len(best))
            if trial >= self.trials * _ANYWHERE:
                # Around the best, but each weight has a chance to be drawn anew.
                varied = best * random.lognormal(0, 0.5, len(best))
                weights = np.where(random.random(len(best)) < _ANYWHERE, weights * best.mean(), varied)
            quality = evidence.quality(weights)
            if quality > found:
                best, found = np.asarray(weights, np.float32), quality
        return best


def _anywhere(random: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    return random.exponential(1, count) * (random.random(count) < 0.5)


@dataclass(frozen=True, slots=True, eq=False)
class _Evidence:
    """Of U users, C candidates and K terms: `scores` (U, C, K) float32 in units of `spreads` (K,).

    `seen`, `wanted` (U, C) bool; `counts` (U,) int32 of targets.
    """

    terms: tuple[tuple[str, int], ...]
    spreads: Floats
    scores: Floats
    seen: Flags
    wanted: Flags
    counts: Indexes

    @classmethod
    def of(cls, split: Split, seed: int) -> "_Evidence":
        kinds, candidates = kinds_of(split.served), np.flatnonzero(split.ranked)
        most = max(1, _MOST_CELLS // (len(candidates) * len(kinds) * len(_POWERS)))
        drawn = np.random.default_rng(seed).permutation(len(split.scored))[:most]
        scored = split.scored.take(np.sort(drawn).tolist())
        taught = teaching(split.training)
        liked = liked_matrix(scored.histories, len(taught))[:, np.flatnonzero(taught)]
        scores: dict[tuple[str, int], Floats] = {}
        for kind in kinds:
            scores |= _scores_of_kind(kind, split, taught, liked)
        told = {term: own for term, own in scores.items() if own.std() > 0}
        place = np.full(len(split.ranked), len(candidates))
        place[candidates] = np.arange(len(candidates))
        return cls(
            tuple(told),
            np.array([own.std() for own in told.values()], np.float32),
            np.stack([own / own.std() for own in told.values()], axis=-1) if told else np.zeros(0, np.float32),
            _marked([history.items for history in scored.histories], place, len(candidates)),
            _marked(scored.targets, place, len(candidates)),
            np.array([len(own) for own in scored.targets], np.int32),
        )

    def quality(self, weights: npt.NDArray[Any]) -> float:
        """The mean of ndcg@10."""
        scores = np.where(self.seen, -np.inf, self.scores @ weights.astype(np.float32))
        hit = np.take_along_axis(self.wanted, ranking.best(scores, 10), axis=1)
        return float(ranking.ndcg(hit, self.counts).mean())

    def single(self) -> tuple[Floats, float]:
        """The weights of the best term alone, and how good it is."""
        alone = np.eye(len(self.terms), dtype=np.float32)
        qualities = [self.quality(weights) for weights in alone]
        return alone[int(np.argmax(qualities))], max(qualities)


def _scores_of_kind(kind: str, split: Split, taught: Flags, liked: Any) -> Mapping[tuple[str, int], Floats]:
    """(U, C) float32 for each power. What is to count as usual has the user's mean of the other candidates."""
    rows, candidates = features(split.served, taught, kind), np.flatnonzero(split.ranked)
    teachers = rows[np.flatnonzero(taught)]
    parts: dict[tuple[str, int], list[Floats]] = {(kind, power): [] for power in _POWERS}
    for start in range(0, len(candidates), _CHUNK):
        similar = similarities(teachers, rows[candidates[start : start + _CHUNK]])
        for power in _POWERS:
            parts[kind, power].append(np.asarray(liked @ raised(similar, power), np.float32))
    scores = {term: np.concatenate(own, axis=1) for term, own in parts.items()}
    silent = lacking(split.served, kind)[candidates]
    if silent.any() and not silent.all():
        for own in scores.values():
            own[:, silent] = own[:, ~silent].mean(axis=1, keepdims=True)
    return scores


def _marked(items: Any, place: npt.NDArray[np.int64], count: int) -> Flags:
    """(U, C) bool: each user's items among the candidates; `place` of an item that is none is `count`."""
    marked = np.zeros((len(items), count + 1), np.bool_)
    for user, own in enumerate(items):
        marked[user, place[own]] = True
    return marked[:, :-1]
