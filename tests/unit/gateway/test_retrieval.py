from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from modalmesh.embeddings import Embeddings, ModelId, normalise
from modalmesh.errors import Unavailable
from modalmesh.positive import PositiveRule
from modalmesh.types import Event, Explanation, Item, Lack, ModelInfo
from modalmesh_gateway.index import ItemIndex
from modalmesh_gateway.ports import FuseInput, RankInput, UserQueries
from modalmesh_gateway.retrieval import Retrieval
from modalmesh_gateway.store import ItemRecord
from modalmesh_services.common.deadline import Deadline

DEADLINE = Deadline.after(10)
RULE = PositiveRule(3.5)


def add(index: ItemIndex, item_id: str, vector: Sequence[float], fingerprint: str = "s") -> None:
    fused = Embeddings(normalise(np.array([vector], dtype=np.float32)), ModelId("revision", fingerprint))
    index.upsert(ItemRecord(Item(item_id, title=item_id), "digest", None, None, fused, "", frozenset()))


class Ranker:
    """Looks for what is like the last liked item; `meanwhile` happens while it is asked."""

    name = "fusion-ranker"
    address = "nowhere"

    def __init__(self, meanwhile: Callable[[], None] = lambda: None, proposed: Sequence[str] = ()) -> None:
        self.meanwhile = meanwhile
        self.proposed = proposed
        self.asked: list[RankInput] = []

    async def model(self, deadline: Deadline) -> ModelInfo:
        raise NotImplementedError

    async def fuse(self, inputs: Sequence[FuseInput], deadline: Deadline) -> Embeddings:
        raise NotImplementedError

    async def encode_user(self, request: RankInput, deadline: Deadline) -> UserQueries:
        self.asked.append(request)
        self.meanwhile()
        return UserQueries(Embeddings(request.vectors.values[-1:], request.vectors.model), np.ones(1, dtype=np.float32))

    async def propose(self, request: RankInput, limit: int, deadline: Deadline) -> Sequence[str]:
        return self.proposed

    async def rank(self, request: RankInput, deadline: Deadline) -> npt.NDArray[np.float32]:
        raise NotImplementedError

    async def explain(self, request: RankInput, explain: Sequence[int], deadline: Deadline) -> Sequence[Explanation]:
        raise NotImplementedError


def retrieval(ranker: Ranker, retrieve: int = 10) -> Retrieval:
    return Retrieval(ranker, RULE, retrieve=retrieve, part_seconds=1.0)


def liked(item_id: str) -> Event:
    return Event("ada", item_id, time_ms=1, type="purchase")


@pytest.fixture
def index() -> ItemIndex:
    index = ItemIndex()
    for item_id, vector in {"seen": (1, 0), "near": (0.9, 0.1), "far": (0, 1), "opposite": (-1, 0)}.items():
        add(index, item_id, vector)
    return index


async def test_what_is_like_the_history_comes_first_and_what_was_seen_never(index: ItemIndex) -> None:
    found = await retrieval(Ranker()).candidates(index, [liked("seen")], {"seen"}, DEADLINE)
    assert list(found.scores) == ["near", "far", "opposite"]
    assert found.served_by == "retrieval"
    assert found.lacked == []


async def test_a_history_without_a_liking_gets_popular_items(index: ItemIndex) -> None:
    index.set_counts({"far": 3, "seen": 9})
    found = await retrieval(Ranker()).candidates(index, [replace(liked("seen"), type="hide")], {"seen"}, DEADLINE)
    assert next(iter(found.scores.items())) == ("far", 3.0)
    assert found.served_by == "popular"


async def test_an_item_deleted_while_the_ranker_is_asked_leaves_no_trace(index: ItemIndex) -> None:
    def replace_near() -> None:
        index.remove("near")
        add(index, "newcomer", (0, -1))

    found = await retrieval(Ranker(replace_near)).candidates(index, [liked("seen")], {"seen"}, DEADLINE)
    assert "near" not in found.scores
    assert found.scores["newcomer"] == pytest.approx(0, abs=1e-6)


async def test_an_item_deleted_before_the_ranking_is_no_candidate(index: ItemIndex) -> None:
    table = index.spaces["fused"].serving()
    index.remove("near")
    request = retrieval(Ranker()).rank_input(index, table, [liked("seen")], ["near", "far"])
    assert [candidate.item_id for candidate in request.candidates] == ["far"]


async def test_queries_of_a_space_that_was_replaced_meanwhile_are_asked_for_anew(index: ItemIndex) -> None:
    def switch() -> None:
        for item_id in ("seen", "near", "far", "opposite"):
            add(index, item_id, (0, 1) if item_id == "seen" else (1, 0), "new")
        add(index, "far", (0, 1), "new")
        index.want({"fused": "new"})

    ranker = Ranker(switch)
    found = await retrieval(ranker).candidates(index, [liked("seen")], {"seen"}, DEADLINE)
    assert len(ranker.asked) == 2
    assert next(iter(found.scores)) == "far"


async def test_the_rankers_proposals_come_in_but_unknown_and_seen_ones_do_not(index: ItemIndex) -> None:
    index.upsert(ItemRecord(Item("bare"), "digest", None, None, None, "", frozenset()))
    ranker = Ranker(proposed=["unknown", "seen", "bare"])
    found = await retrieval(ranker).candidates(index, [liked("seen")], {"seen"}, DEADLINE)
    assert set(found.scores) == {"near", "far", "opposite", "bare"}
    assert found.scores["bare"] == -1.0


async def test_popular_items_have_a_share_of_the_candidates(index: ItemIndex) -> None:
    for number in range(20):
        add(index, f"close-{number:02}", (1, 0.01 * number))
    index.set_counts({"opposite": 9})
    found = await retrieval(Ranker(), retrieve=10).candidates(index, [liked("seen")], {"seen"}, DEADLINE)
    assert len(found.scores) == 10
    assert "opposite" in found.scores


async def test_without_the_ranker_the_mean_of_what_was_liked_is_the_query(index: ItemIndex) -> None:
    def fail() -> None:
        raise Unavailable("fusion-ranker", "gone", reason="SERVICE_UNAVAILABLE")

    found = await retrieval(Ranker(fail)).candidates(index, [liked("seen"), liked("far")], {"seen"}, DEADLINE)
    assert next(iter(found.scores)) == "near"
    assert found.lacked == [Lack("fusion-ranker", "SERVICE_UNAVAILABLE")]
