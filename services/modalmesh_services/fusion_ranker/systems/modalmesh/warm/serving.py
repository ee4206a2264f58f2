"""The warm half as the ranker service uses it: histories by item ids, one user at a time."""

from collections.abc import Sequence

import numpy as np

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import Floats, Indexes
from modalmesh_services.fusion_ranker.models.interface import ProposedItem
from modalmesh_services.fusion_ranker.ranking import top
from modalmesh_services.fusion_ranker.requests import History as Events
from modalmesh_services.fusion_ranker.systems.modalmesh.allotting import Reasons
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import NOBODY
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.explaining import reasons
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.learning import FittedWarm
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.states import States

UNKNOWN = -1


class WarmServing:
    """`item_ids` (N,): the vocabulary, in the order of the fitted models' items."""

    def __init__(self, fitted: FittedWarm, item_ids: Sequence[str]) -> None:
        self.fitted = fitted
        self._item_ids = item_ids
        known = np.flatnonzero(fitted.features.known).tolist()
        self._rows = {item_ids[row]: row for row in known}

    def rows_of(self, item_ids: Sequence[str]) -> Indexes:
        """(C,) int32; UNKNOWN for an item that was not learned by its id."""
        return np.array([self._rows.get(item_id, UNKNOWN) for item_id in item_ids], np.int32)

    def logits(self, events: Events, time_ms: int) -> Floats:
        """(N,) of all items of the vocabulary."""
        whole: Floats = self.fitted.logits(self.state(events, time_ms))[0]
        return whole

    def propose(self, events: Events, time_ms: int, limit: int) -> list[ProposedItem]:
        """The best by log odds, without what the history names."""
        state = self.state(events, time_ms)
        logits = np.where(self.fitted.features.known & ~state.seen[0], self.fitted.logits(state)[0], -np.inf)
        best = top(logits, min(limit, len(logits)))
        return [ProposedItem(self._item_ids[row], float(logits[row])) for row in best.tolist() if logits[row] > -np.inf]

    def reasons(self, events: Events, time_ms: int, rows: Indexes) -> tuple[list[str], Reasons]:
        """Of the items at `rows` (E,) of the vocabulary; the ids of the J items of the history."""
        state = self.state(events, time_ms)
        return [self._item_ids[row] for row in state.histories[0].items], reasons(self.fitted, state, rows)

    def state(self, events: Events, time_ms: int) -> States:
        """Of the events whose items the vocabulary has. Whoever was in training is known by what he did when."""
        crowd = self.fitted.features.models.crowd
        history = self._history(events)
        row = crowd.row_of_events(history.items, history.times_ms) if len(history) and len(crowd) else NOBODY
        if not self.fitted.features.models.with_order:
            history = history.without_order()
        return States.of(crowd, [history], np.array([time_ms], np.int64), np.array([row], np.int32))

    def _history(self, events: Events) -> History:
        rows = self.rows_of(events.item_ids)
        order = np.argsort(events.times_ms, kind="stable")
        order = order[rows[order] != UNKNOWN]
        return History(
            "",
            rows[order],
            events.times_ms[order],
            events.values[order].astype(np.float32),
            events.positive[order],
        )
