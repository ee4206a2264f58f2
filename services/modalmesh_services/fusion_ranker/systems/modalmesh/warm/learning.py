"""The warm half learns, and scores."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from modalmesh_services.fusion_ranker.dataset import Catalogue, History
from modalmesh_services.fusion_ranker.dataset.arrays import Floats, Times
from modalmesh_services.fusion_ranker.systems.interface import Step, Training, Watch
from modalmesh_services.fusion_ranker.systems.modalmesh.settings import Settings
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.blend import Blend, Lists
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.content import Content
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import Crowd
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.cuts import Lesson, hidden, in_time
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.features import Features, Pairs
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.models import Models
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.states import States

_LEAD_WITHOUT_ORDER = 0.5
"""In units of a log probability: what is hidden by chance teaches a network less than what came later."""

_STATES_AT_ONCE = 64
"""Some MB for each of some thirty models' scores."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedWarm:
    """`blend` is None where the histories had nothing to learn it from: then the leading model ranks alone."""

    features: Features
    blend: Blend | None

    def score(self, histories: Sequence[History], times_ms: Times) -> Floats:
        """(B, N) float32: calibrated logits. Items that a history names are scored without meaning."""
        parts = [
            self.logits(States.of(self.features.models.crowd, histories[start:stop], times_ms[start:stop]))
            for start, stop in _slices(len(histories))
        ]
        return np.concatenate([np.zeros((0, len(self.features.known)), np.float32), *parts])

    def logits(self, states: States) -> Floats:
        """(B, N) float32."""
        return self.of_pairs(states, self.features.pairs(states))

    def of_pairs(self, states: States, pairs: Pairs) -> Floats:
        """(B, N) float32. Who did nothing yet gets what most like: a network can't tell from what it never saw."""
        found = self._of_network(pairs)
        nothing = states.sizes == 0
        likes = states.like_counts[nothing]
        found[nothing] = np.log((likes + 0.5) / (np.maximum(len(states.crowd) - likes, 0) + 0.5))
        return found

    def _of_network(self, pairs: Pairs) -> Floats:
        if self.blend is None:
            return pairs.leading
        return _behind(pairs, self.blend.logits(pairs.features, pairs.leads, pairs.items >= 0))

    def on(self, device: torch.device) -> "FittedWarm":
        """The same, with networks and the models' dense matrices there."""
        features = replace(self.features, models=self.features.models.on(device))
        return replace(self, features=features, blend=self.blend.on(device) if self.blend else None)

    def serving(self, catalogue: Catalogue) -> "FittedWarm":
        features = self.features
        content = features.content.measures.content(catalogue)
        return replace(self, features=replace(features, content=content))


def fit(training: Training, settings: Settings, watch: Watch) -> FittedWarm:
    """Deterministic on one machine with one number of threads."""
    crowd = Crowd.of(training.histories, len(training.catalogue))
    content = Content.of(training.catalogue, training.trainable)
    models = Models.of(crowd, content.side_rows(), content.years, with_order=training.has_order)
    features = Features(models, content, training.trainable)
    lessons = in_time(training.histories) if training.has_order else hidden(training.histories, crowd)
    lists = _lists(features, lessons, watch)
    return FittedWarm(
        features,
        Blend.learn(lists, settings, watch, 0.0 if training.has_order else _LEAD_WITHOUT_ORDER) if lists else None,
    )


def _lists(features: Features, lessons: Sequence[Lesson], watch: Watch) -> Lists | None:
    """Of the lessons that have a target among their candidates."""
    inputs, leads, allowed, wanted = [], [], [], []
    for start, stop in _slices(len(lessons)):
        part = lessons[start:stop]
        histories = [lesson.history for lesson in part]
        times = np.array([history.last_time_ms for history in histories], np.int64)
        pairs = features.pairs(States.of(features.models.crowd, histories, times))
        hits = np.stack([np.isin(own, lesson.targets) for own, lesson in zip(pairs.items, part, strict=True)])
        useful = hits.any(axis=1)
        inputs.append(pairs.features[useful])
        leads.append(pairs.leads[useful])
        allowed.append(pairs.items[useful] >= 0)
        wanted.append(hits[useful])
        watch.tell(Step("features of warm items", stop, len(lessons)))
    if not sum(map(len, inputs)):
        return None
    return Lists(np.concatenate(inputs), np.concatenate(leads), np.concatenate(allowed), np.concatenate(wanted))


def _behind(pairs: Pairs, logits: Floats) -> Floats:
    """(B, N): `logits` (B, C) of the candidates, and all other items behind them in the leading model's order."""
    there = pairs.items >= 0
    last = logits.min(axis=1, where=there, initial=np.inf)
    highest = pairs.leading.max(axis=1)
    found: Floats = (np.where(np.isfinite(last), last, 0) - highest)[:, None] + pairs.leading
    rows = np.nonzero(there)[0]
    found[rows, pairs.items[there]] = logits[there]
    return found


def _slices(count: int) -> list[tuple[int, int]]:
    return [(start, min(start + _STATES_AT_ONCE, count)) for start in range(0, count, _STATES_AT_ONCE)]
