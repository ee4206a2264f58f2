"""A user's candidates, in retrieval's own order, and what the ranker needs of them. Knows no grpc and no protobuf."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from modalmesh.embeddings import Embeddings, FloatMatrix, ModelId, normalise
from modalmesh.errors import DeadlineExceeded, InvalidInput, ModelMismatch
from modalmesh.types import Event, Lack
from modalmesh_gateway.index import ItemIndex, VectorTable
from modalmesh_gateway.parts import PART_FAILURES, lack_of
from modalmesh_gateway.ports import CandidateEntry, HistoryEntry, Ranker, RankInput, UserQueries
from modalmesh_services.common.deadline import Deadline

RANKER_FAILURES = (*PART_FAILURES, ModelMismatch, InvalidInput, DeadlineExceeded)
"""The ranker may also refuse: it was replaced meanwhile. The answer then goes on without it."""

_NOT_POSITIVE = frozenset({"dislike", "skip", "hide"})


@dataclass(frozen=True, slots=True)
class PositiveRule:
    """Which events speak for their item: ratings of `threshold` and more, and every type that isn't a refusal."""

    threshold: float

    def __call__(self, event: Event) -> bool:
        if event.type == "rating":
            return event.value is not None and event.value >= self.threshold
        return event.type not in _NOT_POSITIVE


@dataclass(slots=True)
class Candidates:
    """Rows of the index, the best first, with the scores that put them in order."""

    rows: list[int]
    scores: dict[int, float]
    served_by: str
    lacked: list[Lack] = field(default_factory=list)


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
        self, index: ItemIndex, history: Sequence[Event], seen: Iterable[str], deadline: Deadline
    ) -> Candidates:
        """At most `retrieve` unseen items for a history, the best first; popular ones where it says nothing."""
        excluded = index.rows_of(seen)
        popular = index.best(index.popularity(), self._retrieve, excluded).tolist()
        table = self.fused_table(index)
        if table is None or not any(self._positive(event) for event in history):
            counts = index.popularity()
            return Candidates(popular, {row: float(counts[row]) for row in popular}, "popular")
        request = self.rank_input(index, table, history, [])
        lacked: list[Lack] = []
        queries, proposed = await self._ask(request, lacked, deadline)
        retrieved = self._search(index, table, queries, excluded)
        banned = set(excluded)
        proposals = [row for row in index.rows_of(proposed) if row not in banned]
        return self._merge(retrieved, proposals, popular, lacked)

    def rank_input(
        self, index: ItemIndex, table: VectorTable | None, history: Sequence[Event], rows: Sequence[int]
    ) -> RankInput:
        """History and candidates over one matrix of the fused vectors that they need, each once."""
        places: dict[int, int] = {}

        def place(row: int | None) -> int | None:
            if row is None or table is None or not table.has(row):
                return None
            return places.setdefault(row, len(places))

        events = [
            HistoryEntry(
                event.item_id,
                place(index.row(event.item_id)),
                event.time_ms,
                event.type,
                event.value,
                self._positive(event),
            )
            for event in history
        ]
        candidates = []
        for row in rows:
            item = index.entry(row).item
            candidates.append(CandidateEntry(item.item_id, place(row), item.time_ms, index.event_count(item.item_id)))
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

    def _search(
        self, index: ItemIndex, table: VectorTable, queries: UserQueries, excluded: Sequence[int]
    ) -> list[list[tuple[int, float]]]:
        found = []
        for query in queries.queries.values:
            scores = table.scores(query, index.capacity)
            best = index.best(scores, self._retrieve, excluded)
            found.append([(int(row), float(scores[row])) for row in best])
        return found

    def _merge(
        self, retrieved: list[list[tuple[int, float]]], proposals: list[int], popular: list[int], lacked: list[Lack]
    ) -> Candidates:
        """Take from each list in turn, so that every query, the proposals and popularity have their share."""
        scores: dict[int, float] = {}
        for found in retrieved:
            for row, score in found:
                scores[row] = max(score, scores.get(row, -np.inf))
        lists = [[row for row, _ in found] for found in retrieved]
        lists += [proposals, popular[: self._retrieve // 5]]
        rows: dict[int, None] = {}
        for turn in range(max((len(each) for each in lists), default=0)):
            for each in lists:
                if turn < len(each) and len(rows) < self._retrieve:
                    rows.setdefault(each[turn])
        ordered = sorted(rows, key=lambda row: -scores.get(row, -np.inf))
        return Candidates(ordered, {row: scores.get(row, 0.0) for row in ordered}, "retrieval", lacked)
