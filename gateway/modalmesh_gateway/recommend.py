"""Recommend and Rank. Knows no grpc and no protobuf."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from modalmesh.errors import InvalidInput, Unavailable
from modalmesh.types import Event, Explanation, Lack, RankedItem, RankedItems, Served
from modalmesh_gateway.explaining.sentences import with_sentence
from modalmesh_gateway.index import ItemIndex, best_first
from modalmesh_gateway.parts import lack_of
from modalmesh_gateway.ports import Ranker
from modalmesh_gateway.retrieval import RANKER_FAILURES, Ordered, Retrieval
from modalmesh_gateway.store import Store
from modalmesh_gateway.views import NamespaceView
from modalmesh_services.common.deadline import Deadline


class Recommending:
    """Retrieval, then the ranker; without one of them the other's order, said so.

    Items may be deleted while a part is asked: what is no longer in the index is left out of the answer.
    """

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
        seen: Collection[str] = ()
        try:
            history = await self._store.histories.history(view.name, user_id)
            events, seen = history.events, history.seen
        except Unavailable as error:
            lacked = [lack_of("redis", error)]
        index = view.index
        found = await self._retrieval.candidates(index, events, seen, deadline)
        ordered = await self._rank(index, events, found, deadline)
        best = [item_id for item_id in ordered.scores if item_id in index][:k]
        explanations: Mapping[str, Explanation] = {}
        if explain and ordered.served_by == "rank":
            explanations = await self._explain(index, events, ordered, best, deadline)
        return _answer(view, ordered, best, explanations, lacked)

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
            InvalidInput: both a user and a history.
            Unavailable: a stored history is asked for and the store can't be reached.
        """
        if user_id and history:
            raise InvalidInput("history", "is given beside user_id; give one of them", reason="AMBIGUOUS")
        events = list(history) or (await self._store.histories.history(view.name, user_id)).events
        index = view.index
        popularity = {item_id: float(index.event_count(item_id)) for item_id in item_ids if item_id in index}
        ordered = await self._rank(index, events, Ordered(best_first(popularity), "popular"), deadline)
        answer = _answer(view, ordered, ordered.scores, {}, view.lacked())
        known = {item.item_id for item in answer.items}
        return replace(answer, unknown=tuple(item_id for item_id in item_ids if item_id not in known))

    async def _rank(self, index: ItemIndex, events: Sequence[Event], found: Ordered, deadline: Deadline) -> Ordered:
        """The candidates in the ranker's order, or in their own where it fails or has nothing to go by."""
        if not found.scores or (found.served_by == "popular" and not events):
            return found
        table = self._retrieval.fused_table(index)
        request = self._retrieval.rank_input(index, table, events, found.scores)
        try:
            probabilities = await self._ranker.rank(request, self._retrieval.part_deadline(deadline))
        except RANKER_FAILURES as error:
            lack = lack_of(self._ranker.name, error)
            return found if lack in found.lacked else replace(found, lacked=[*found.lacked, lack])
        ids = [candidate.item_id for candidate in request.candidates]
        scores = best_first(dict(zip(ids, probabilities.tolist(), strict=True)))
        return Ordered(scores, "rank", found.lacked, table.model.name if table else "")

    async def _explain(
        self, index: ItemIndex, events: Sequence[Event], ordered: Ordered, item_ids: Sequence[str], deadline: Deadline
    ) -> Mapping[str, Explanation]:
        """Explanations of some of the ranked items; none where the ranker fails now, which `ordered` then lacks."""
        request = self._retrieval.rank_input(index, self._retrieval.fused_table(index), events, ordered.scores)
        wanted = set(item_ids)
        places = [place for place, candidate in enumerate(request.candidates) if candidate.item_id in wanted]
        try:
            explanations = await self._ranker.explain(request, places, self._retrieval.part_deadline(deadline))
        except RANKER_FAILURES as error:
            ordered.lacked.append(Lack("explanations", error.reason))
            return {}
        return {each.item_id: with_sentence(index, each) for each in explanations}


def _answer(
    view: NamespaceView,
    ordered: Ordered,
    item_ids: Iterable[str],
    explanations: Mapping[str, Explanation],
    lacked: Sequence[Lack],
) -> RankedItems:
    items = [
        RankedItem(item_id, ordered.scores[item_id], view.index.title(item_id), explanations.get(item_id))
        for item_id in item_ids
        if item_id in view.index
    ]
    every = tuple(dict.fromkeys([*lacked, *ordered.lacked]))
    return RankedItems(items, Served(ordered.served_by, every, ordered.revision, view.age_ms))
