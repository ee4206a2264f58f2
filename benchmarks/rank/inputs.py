"""What is ranked: histories of 50 events and 500 candidates each, as the gateway would send them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.benchmark import NotComparable
from modalmesh.convert_matrices import matrix_to_proto
from modalmesh.data_folder import BadLine, DataFolder
from modalmesh.embeddings import Embeddings, ModelId
from modalmesh.positive import PositiveRule
from modalmesh.types import Event
from modalmesh.v1.fusion_ranker_service_pb2 import Candidate, FusionRankerRankRequest, HistoryEvent
from modalmesh_services.fusion_ranker.models.interface import ModelDescription

CANDIDATES, HISTORY = 500, 50
_HOUR_MS = 3_600_000
_START_MS = 1_500_000_000_000


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Items, and users' histories in time order, each of HISTORY events."""

    item_ids: Sequence[str]
    histories: Sequence[Sequence[Event]]


def drawn(item_ids: Sequence[str], count: int, chance: np.random.Generator) -> Catalogue:
    """So many histories of items drawn at random."""
    histories = []
    for user in range(count):
        chosen = chance.choice(len(item_ids), HISTORY, replace=False).tolist()
        ratings = (chance.integers(1, 11, HISTORY) / 2).tolist()
        start = _START_MS + user * _HOUR_MS
        histories.append(
            [
                Event(f"u{user}", item_ids[row], start + place * 60_000, value=rating)
                for place, (row, rating) in enumerate(zip(chosen, ratings, strict=True))
            ]
        )
    return Catalogue(item_ids, histories)


def recorded(folder: DataFolder, count: int) -> Catalogue:
    """The folder's items, and the last events of so many of its users, if it has as many.

    Raises:
        NotComparable: it has too few items, or nobody with that many events.
    """
    item_ids = [item.item_id for item in folder.items() if not isinstance(item, BadLine)]
    known, by_user = set(item_ids), dict[str, list[Event]]()
    for event in folder.events():
        if not isinstance(event, BadLine) and event.item_id in known:
            by_user.setdefault(event.user_id, []).append(event)
    long = [sorted(own, key=lambda event: event.time_ms)[-HISTORY:] for own in by_user.values() if len(own) >= HISTORY]
    if not long or len(item_ids) < CANDIDATES + HISTORY:
        raise NotComparable(
            f"{len(long)} users have {HISTORY} events, and there are {len(item_ids)} items: one and "
            f"{CANDIDATES + HISTORY} are needed"
        )
    return Catalogue(item_ids, long[:count])


def requests(
    catalogue: Catalogue, model: ModelDescription, count: int, chance: np.random.Generator
) -> list[FusionRankerRankRequest]:
    """So many, histories in turn; candidates are drawn among what a history doesn't name. Every item has a vector."""
    return [
        _request(catalogue, catalogue.histories[number % len(catalogue.histories)], model, chance)
        for number in range(count)
    ]


def _request(
    catalogue: Catalogue, history: Sequence[Event], model: ModelDescription, chance: np.random.Generator
) -> FusionRankerRankRequest:
    seen, positive = {event.item_id for event in history}, PositiveRule()
    drawn = chance.choice(len(catalogue.item_ids), min(CANDIDATES + len(seen), len(catalogue.item_ids)), replace=False)
    candidates = [own for row in drawn.tolist() if (own := catalogue.item_ids[row]) not in seen][:CANDIDATES]
    rows = {item_id: row for row, item_id in enumerate([*sorted(seen), *candidates])}
    vectors = chance.normal(size=(len(rows), model.fused_dim)).astype(np.float32) / np.sqrt(model.fused_dim)
    return FusionRankerRankRequest(
        vectors=matrix_to_proto(Embeddings(vectors.astype(np.float32), ModelId(model.name, model.revision))),
        history=[
            HistoryEvent(
                item_id=event.item_id,
                row=rows[event.item_id],
                time_ms=event.time_ms,
                type=event.type,
                value=event.value,
                positive=positive(event),
            )
            for event in history
        ],
        candidates=[
            Candidate(item_id=item_id, row=rows[item_id], event_count=int(chance.integers(300)))
            for item_id in candidates
        ],
        request_time_ms=history[-1].time_ms + _HOUR_MS,
    )
