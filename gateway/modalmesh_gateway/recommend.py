"""Recommend, Rank and Explain. Knows no grpc and no protobuf."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from modalmesh.errors import InvalidInput, NotFound, Unavailable
from modalmesh.types import Event, Explanation, Explanations, Lack, RankedItem, RankedItems, Served
from modalmesh_gateway.index import ItemIndex
from modalmesh_gateway.parts import lack_of
from modalmesh_gateway.ports import Ranker
from modalmesh_gateway.retrieval import RANKER_FAILURES, Candidates, Retrieval
from modalmesh_gateway.sentences import sentence
from modalmesh_gateway.store import Store
from modalmesh_gateway.views import NamespaceView
from modalmesh_services.common.deadline import Deadline


@dataclass(slots=True)
class _Ordered:
    """Rows of the index with their scores, the best first."""

    rows: list[int]
    scores: dict[int, float]
    served_by: str
    revision: str = ""
    lacked: list[Lack] = field(default_factory=list)


class Recommending:
    """Retrieval, then the ranker; without one of them the other's order, said so."""

    def __init__(self, store: Store, retrieval: Retrieval, ranker: Ranker) -> None:
        self._store = store
        self._retrieval = retrieval
        self._ranker = ranker

    async def recommend(
        self, view: NamespaceView, user_id: str, k: int, explain: bool, deadline: Deadline
    ) -> RankedItems:
        """The k best unseen items. Never fails because a part or the store is down: see `served.lacked`."""
        lacked = view.lacked()
        events: Sequence[Event] = ()
        seen: frozenset[str] = frozenset()
        try:
            history = await self._store.histories.history(view.name, user_id)
            events, seen = history.events, history.seen
        except Unavailable as error:
            lacked = [lack_of("redis", error)]
        index = view.index
        found = await self._retrieval.candidates(index, events, seen, deadline)
        ordered = await self._rank(index, events, found, deadline)
        rows = ordered.rows[:k]
        explanations: dict[int, Explanation] = {}
        if explain and ordered.served_by == "rank":
            explanations = await self._explain(index, events, found.rows, rows, ordered, deadline)
        lacked += ordered.lacked
        return _answer(view, ordered, rows, explanations, lacked)

    async def rank(
        self,
        view: NamespaceView,
        item_ids: Sequence[str],
        user_id: str,
        history: Sequence[Event],
        deadline: Deadline,
    ) -> RankedItems:
        """The caller's candidates in order, for a stored history or one in the request.

        Raises:
            InvalidInput: an id twice, or both a user and a history.
            Unavailable: a stored history is asked for and the store can't be reached.
        """
        if len(set(item_ids)) != len(item_ids):
            raise InvalidInput("item_ids", "holds an id twice", reason="DUPLICATE_ID")
        if user_id and history:
            raise InvalidInput("history", "is given beside user_id; give one of them", reason="AMBIGUOUS")
        events = list(history) or (await self._store.histories.history(view.name, user_id)).events
        index = view.index
        unknown = [item_id for item_id in item_ids if item_id not in index]
        rows = index.rows_of(item_ids)
        counts = index.popularity()
        found = Candidates(rows, {row: float(counts[row]) for row in rows}, "popular")
        ordered = await self._rank(index, events, found, deadline)
        answer = _answer(view, ordered, ordered.rows, {}, view.lacked() + ordered.lacked)
        return replace(answer, unknown=tuple(unknown))

    async def explain(
        self, view: NamespaceView, user_id: str, item_ids: Sequence[str], deadline: Deadline
    ) -> Explanations:
        """Why these items got their scores, beside the candidates that Recommend would rank.

        Raises:
            NotFound: an item isn't in the catalogue.
            Unavailable: the store or the ranker can't be reached.
        """
        index = view.index
        for item_id in item_ids:
            if item_id not in index:
                raise NotFound(f"item_ids: there is no item {item_id!r} in {view.name!r}", reason="UNKNOWN_ITEM")
        history = await self._store.histories.history(view.name, user_id)
        # A candidate's own event must not explain it.
        events = [event for event in history.events if event.item_id not in item_ids]
        found = await self._retrieval.candidates(index, events, history.seen, deadline)
        wanted = index.rows_of(item_ids)
        rows = list(dict.fromkeys([*wanted, *found.rows]))
        table = self._retrieval.fused_table(index)
        request = self._retrieval.rank_input(index, table, events, rows)
        places = [rows.index(row) for row in wanted]
        explanations = await self._ranker.explain(request, places, self._retrieval.part_deadline(deadline))
        revision = table.model.name if table else ""
        return Explanations(
            [_with_sentence(index, each) for each in explanations],
            Served("rank", tuple(view.lacked() + found.lacked), revision, view.age_ms),
        )

    async def _rank(self, index: ItemIndex, events: Sequence[Event], found: Candidates, deadline: Deadline) -> _Ordered:
        """The candidates in the ranker's order, or in their own where it fails or has nothing to go by."""
        table = self._retrieval.fused_table(index)
        if not found.rows or (found.served_by == "popular" and not events):
            return _Ordered(found.rows, found.scores, found.served_by, lacked=found.lacked)
        request = self._retrieval.rank_input(index, table, events, found.rows)
        try:
            probabilities = await self._ranker.rank(request, self._retrieval.part_deadline(deadline))
        except RANKER_FAILURES as error:
            lack = lack_of(self._ranker.name, error)
            lacked = found.lacked if lack in found.lacked else [*found.lacked, lack]
            rows = sorted(found.rows, key=lambda row: -found.scores[row])
            return _Ordered(rows, found.scores, found.served_by, lacked=lacked)
        scores = dict(zip(found.rows, probabilities.tolist(), strict=True))
        rows = _in_order(index, found.rows, probabilities)
        return _Ordered(rows, scores, "rank", table.model.name if table else "", found.lacked)

    async def _explain(
        self,
        index: ItemIndex,
        events: Sequence[Event],
        candidates: Sequence[int],
        rows: Sequence[int],
        ordered: _Ordered,
        deadline: Deadline,
    ) -> dict[int, Explanation]:
        request = self._retrieval.rank_input(index, self._retrieval.fused_table(index), events, candidates)
        places = {row: place for place, row in enumerate(candidates)}
        try:
            explanations = await self._ranker.explain(
                request, [places[row] for row in rows], self._retrieval.part_deadline(deadline)
            )
        except RANKER_FAILURES as error:
            ordered.lacked.append(Lack("explanations", error.reason))
            return {}
        return {row: _with_sentence(index, each) for row, each in zip(rows, explanations, strict=True)}


def title_of(index: ItemIndex, item_id: str) -> str:
    """An item's title, or its id where it has none."""
    row = index.row(item_id)
    return (index.entry(row).item.title if row is not None else "") or item_id


def _with_sentence(index: ItemIndex, explanation: Explanation) -> Explanation:
    return replace(explanation, sentence=sentence(explanation, lambda item_id: title_of(index, item_id)))


def _in_order(index: ItemIndex, rows: Sequence[int], probabilities: npt.NDArray[np.float32]) -> list[int]:
    """The best first, ties by item id, so that the same request has the same answer on every gateway."""
    ranked = zip(rows, probabilities.tolist(), strict=True)
    return [row for row, _ in sorted(ranked, key=lambda pair: (-pair[1], index.entry(pair[0]).item.item_id))]


def _answer(
    view: NamespaceView,
    ordered: _Ordered,
    rows: Sequence[int],
    explanations: dict[int, Explanation],
    lacked: Sequence[Lack],
) -> RankedItems:
    items = []
    for row in rows:
        item = view.index.entry(row).item
        items.append(RankedItem(item.item_id, ordered.scores[row], item.title, explanations.get(row)))
    served = Served(ordered.served_by, tuple(dict.fromkeys(lacked)), ordered.revision, view.age_ms)
    return RankedItems(items, served)
