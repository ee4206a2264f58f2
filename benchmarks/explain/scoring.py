"""Scores of an item as it is and as it would be, by the mesh's own encoders and ranker; the gateway isn't asked.

The item keeps its id and its place among the candidates, and each score is of a candidate exchanged, as if the
catalogue held it so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modalmesh.embeddings import Embeddings
from modalmesh.item_embeddings import ItemEmbeddings
from modalmesh.positive import PositiveRule
from modalmesh.types import Event, Item
from modalmesh_gateway.explaining.falls import falls
from modalmesh_gateway.ports import CandidateEntry, FuseInput, HistoryEntry, Ranker, RankInput
from modalmesh_gateway.store import TokenVectors
from modalmesh_services.common.deadline import Deadline

_SECONDS = 60.0
_FUSED_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Case:
    """A user's history, and an item among the candidates that are ranked for it."""

    user_id: str
    events: Sequence[Event]
    item_id: str
    candidates: Sequence[str]


class Scorer:
    """Knows the whole catalogue's token vectors and fused vectors."""

    def __init__(self, ranker: Ranker, items: Mapping[str, Item], counts: Mapping[str, int]) -> None:
        self._ranker = ranker
        self._items = items
        self._counts = counts
        self._positive = PositiveRule()
        self._inputs: dict[str, FuseInput] = {}
        self._fused: dict[str, npt.NDArray[np.float32]] = {}
        self._model = Embeddings(np.zeros((0, 0), np.float32)).model

    async def load(self, embeddings: Sequence[ItemEmbeddings]) -> None:
        """Take token vectors, and fuse them."""
        inputs = [self._input(each) for each in embeddings if each.item_id in self._items]
        for start in range(0, len(inputs), _FUSED_AT_ONCE):
            portion = inputs[start : start + _FUSED_AT_ONCE]
            fused = await self._ranker.fuse(portion, _deadline())
            self._model = fused.model
            for each, vector in zip(portion, fused.values, strict=True):
                self._inputs[each.item.item_id] = each
                self._fused[each.item.item_id] = vector

    def item(self, item_id: str) -> FuseInput:
        return self._inputs[item_id]

    async def falls(self, case: Case, variations: Sequence[FuseInput]) -> npt.NDArray[np.float64]:
        """How far the logit falls when the item is as each of these."""
        (fallen,) = await falls(self._ranker, self._ranking(case, case.events), [variations], _deadline())
        return fallen

    async def falls_without_events(self, case: Case, gone: Sequence[set[str]]) -> npt.NDArray[np.float64]:
        """How far the logit falls when the user never met each of these sets of items."""
        logits = []
        for item_ids in [set[str](), *gone]:
            left = [event for event in case.events if event.item_id not in item_ids]
            probability = float((await self._ranker.rank(self._ranking(case, left), _deadline()))[0])
            logits.append(np.log(probability) - np.log1p(-probability))
        fallen: npt.NDArray[np.float64] = logits[0] - np.array(logits[1:])
        return fallen

    def _ranking(self, case: Case, events: Sequence[Event]) -> RankInput:
        """The item is the first candidate."""
        rows: dict[str, int] = {}

        def row(item_id: str) -> int | None:
            return rows.setdefault(item_id, len(rows)) if item_id in self._fused else None

        history = [
            HistoryEntry(each.item_id, row(each.item_id), each.time_ms, each.type, each.value, self._positive(each))
            for each in events
        ]
        candidates = [
            CandidateEntry(item_id, row(item_id), self._items[item_id].time_ms, self._counts.get(item_id, 0))
            for item_id in dict.fromkeys([case.item_id, *case.candidates])
        ]
        vectors = Embeddings(np.stack([self._fused[item_id] for item_id in rows]), self._model)
        return RankInput(vectors, history, candidates, max((each.time_ms for each in events), default=0))

    def _input(self, embeddings: ItemEmbeddings) -> FuseInput:
        return FuseInput(
            self._items[embeddings.item_id],
            tokens(Embeddings(embeddings.text, embeddings.text_model), embeddings.text_fields),
            tokens(Embeddings(embeddings.image, embeddings.image_model), embeddings.image_kinds),
        )


def tokens(vectors: Embeddings, labels: Sequence[str]) -> TokenVectors | None:
    """An item's vectors of one modality; None without any. What they were encoded from is not asked here."""
    return TokenVectors(vectors, tuple(labels), ("",) * len(labels)) if labels else None


def _deadline() -> Deadline:
    return Deadline.after(_SECONDS)
