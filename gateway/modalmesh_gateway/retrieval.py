"""A user's candidates, in retrieval's own order, and what the ranker needs of them. Knows no grpc and no protobuf."""

import asyncio
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice, zip_longest

import numpy as np

from modalmesh.embeddings import Embeddings, FloatMatrix, ModelId, normalise
from modalmesh.errors import DeadlineExceeded, InvalidInput, ModelMismatch
from modalmesh.positive import PositiveRule
from modalmesh.types import Event, Lack
from modalmesh_gateway.index import ItemIndex, VectorTable, best_first
from modalmesh_gateway.parts import PART_FAILURES, lack_of
from modalmesh_gateway.ports import CandidateEntry, HistoryEntry, Ranker, RankInput, UserQueries
from modalmesh_services.common.deadline import Deadline

RANKER_FAILURES = (*PART_FAILURES, ModelMismatch, InvalidInput, DeadlineExceeded)
"""The ranker may also refuse: it was replaced meanwhile. The answer then goes on without it."""

_POPULAR_SHARE = 5
"""One candidate in so many may come from popularity."""
_FARTHEST = np.float32(-1)
"""The score of a candidate without a vector, or without a query to compare it with: the least cosine."""


@dataclass(slots=True)
class Ordered:
    """Item ids with their scores, the best first; who put them in this order, and what it lacked."""

    scores: dict[str, float]
    served_by: str
    lacked: list[Lack] = field(default_factory=list)
    revision: str = ""


class Retrieval:
    """Candidates by the ranker's query vectors, its proposals, and popularity."""

    def __init__(self, ranker: Ranker, positive: PositiveRule, *, retrieve: int, part_seconds: float) -> None:
        self._ranker = ranker
        self._positive = positive
        self._retrieve = retrieve
        self._part_seconds = part_seconds

    def part_deadline(self, deadline: Deadline) -> Deadline:
        """How long to wait for the ranker: it may be slow, the answer may not."""
        return Deadline.after(min(self._part_seconds, deadline.remaining))

    def fused_table(self, index: ItemIndex) -> VectorTable | None:
        """The fused vectors that are served; None before any."""
        return index.spaces["fused"].serving()

    async def candidates(
        self, index: ItemIndex, history: Sequence[Event], seen: Collection[str], deadline: Deadline
    ) -> Ordered:
        """At most `retrieve` unseen items for a history; popular ones where it says nothing."""
        table = self.fused_table(index)
        if table is None or not any(self._positive(event) for event in history):
            return Ordered(index.best(index.popularity(), self._retrieve, seen), "popular")
        lacked: list[Lack] = []
        queries, proposed = await self._ask(self.rank_input(index, table, history, ()), lacked, deadline)
        if self.fused_table(index) is not table:
            # Another model's vectors took over meanwhile: these queries say nothing about them.
            return await self.candidates(index, history, seen, deadline)
        return Ordered(self._gather(index, table, queries, proposed, seen), "retrieval", lacked)

    def rank_input(
        self, index: ItemIndex, table: VectorTable | None, history: Sequence[Event], item_ids: Iterable[str]
    ) -> RankInput:
        """History and candidates over one matrix of the fused vectors that they need, each once.

        A candidate that is no longer in the catalogue is left out.
        """
        places: dict[int, int] = {}

        def place(item_id: str) -> int | None:
            row = index.row(item_id)
            if row is None or table is None or not table.has(row):
                return None
            return places.setdefault(row, len(places))

        events = [
            HistoryEntry(
                event.item_id,
                place(event.item_id),
                event.time_ms,
                event.type,
                event.value,
                self._positive(event),
            )
            for event in history
        ]
        candidates = [
            CandidateEntry(item_id, place(item_id), entry.item.time_ms, index.event_count(item_id))
            for item_id in item_ids
            if (entry := index.get(item_id))
        ]
        if table is None:
            vectors = Embeddings(np.zeros((0, 0), dtype=np.float32))
        else:
            # The ranker knows its revision; that the encoders agree is ours to see to.
            vectors = Embeddings(table.values[list(places)], ModelId(table.model.name, table.model.name))
        return RankInput(vectors, events, candidates, int(time.time() * 1000))

    async def _ask(
        self, request: RankInput, lacked: list[Lack], deadline: Deadline
    ) -> tuple[UserQueries, Sequence[str]]:
        limited = self.part_deadline(deadline)
        try:
            return await asyncio.gather(
                self._ranker.encode_user(request, limited), self._ranker.propose(request, self._retrieve, limited)
            )
        except RANKER_FAILURES as error:
            lacked.append(lack_of(self._ranker.name, error))
            return self._mean_query(request), ()

    @staticmethod
    def _mean_query(request: RankInput) -> UserQueries:
        """Retrieval's own idea of a user: the mean of what was liked."""
        liked = [event.row for event in request.history if event.positive and event.row is not None]
        if not liked:
            empty: FloatMatrix = np.zeros((0, request.vectors.dim), dtype=np.float32)
            return UserQueries(Embeddings(empty, request.vectors.model), np.zeros(0, dtype=np.float32))
        mean = request.vectors.values[liked].mean(axis=0, keepdims=True, dtype=np.float32)
        return UserQueries(Embeddings(normalise(mean), request.vectors.model), np.ones(1, dtype=np.float32))

    def _gather(
        self, index: ItemIndex, table: VectorTable, queries: UserQueries, proposed: Iterable[str], seen: Collection[str]
    ) -> dict[str, float]:
        """Take from each list in turn, so that every query, the proposals and popularity have their share."""
        closeness = [table.scores(query, index.capacity) for query in queries.queries.values]
        lists: list[Iterable[str]] = [index.best(scores, self._retrieve, seen) for scores in closeness]
        lists.append(item_id for item_id in proposed if item_id in index and item_id not in seen)
        lists.append(index.best(index.popularity(), self._retrieve // _POPULAR_SHARE, seen))
        in_turn = (item_id for turn in zip_longest(*lists) for item_id in turn if item_id is not None)
        chosen = islice(dict.fromkeys(in_turn), self._retrieve)
        closest = np.maximum.reduce([np.full(index.capacity, _FARTHEST), *closeness])
        return best_first({item_id: float(closest[index.row(item_id)]) for item_id in chosen})
