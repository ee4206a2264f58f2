"""What a gateway answers while the ranker is away or slow."""

import pytest

from modalmesh.errors import Unavailable
from modalmesh.types import Item, Lack
from tests.integration.gateway.meshes import Mesh, running_mesh, until, until_answer
from tests.integration.gateway.shop import SHOP, rating
from tests.valkey import ValkeyProcess


@pytest.fixture
async def unranked(shop: Mesh) -> Mesh:
    """A shop with a customer, whose ranker has just gone."""
    await shop.client.record_events([rating("ada", "red-mug")])
    await shop.ranker_server.stop()
    return shop


async def test_recommend_serves_retrievals_order_and_says_so(unranked: Mesh) -> None:
    answer = await unranked.client.recommend("ada", k=10)
    scores = [item.score for item in answer.items]
    assert {item.item_id for item in answer.items[:2]} == {"blue-mug", "red-cup"}
    assert sorted(item.item_id for item in answer.items) == ["blue-mug", "bulb", "lamp", "poster", "red-cup"]
    assert scores == sorted(scores, reverse=True)
    assert (answer.served.served_by, [lack.part for lack in answer.served.lacked]) == ("retrieval", ["fusion-ranker"])


async def test_a_stranger_does_not_notice(unranked: Mesh) -> None:
    answer = await unranked.client.recommend("stranger", k=3)
    assert (answer.served.served_by, answer.served.lacked, len(answer.items)) == ("popular", (), 3)


async def test_rank_answers_all_candidates_and_says_what_it_lacked(unranked: Mesh) -> None:
    answer = await unranked.client.rank(["lamp", "red-cup", "none"], "ada")
    assert {item.item_id for item in answer.items} == {"lamp", "red-cup"}
    assert answer.unknown == ("none",)
    assert [lack.part for lack in answer.served.lacked] == ["fusion-ranker"]
    assert answer.served.served_by != "rank"


async def test_explain_is_unavailable(unranked: Mesh) -> None:
    with pytest.raises(Unavailable) as refused:
        await unranked.client.explain("ada", ["lamp"], timeout=0.9)
    assert refused.value.part == "fusion-ranker"


async def test_recommend_with_explanations_goes_on_without_them(unranked: Mesh) -> None:
    answer = await unranked.client.recommend("ada", k=3, explain=True)
    assert [item.explanation for item in answer.items] == [None] * 3
    assert "fusion-ranker" in {lack.part for lack in answer.served.lacked}


async def test_similar_and_search_do_not_notice(unranked: Mesh) -> None:
    for answer in (
        await unranked.client.similar_items("red-mug", k=2),
        await unranked.client.search_items(text="red mug", k=2),
    ):
        assert (len(answer.items), answer.served.lacked) == (2, ())


async def test_items_go_in_unfused_and_are_fused_later_by_themselves(unranked: Mesh) -> None:
    summary = await unranked.client.upsert_items([Item("new-mug", "new red mug")])
    before = await unranked.client.similar_items("new-mug")
    assert (summary.created, list(before.served.lacked)) == (1, [Lack("fused", "NO_VECTOR")])
    assert (await unranked.client.similar_items("new-mug", by="text")).items[0].item_id == "red-mug"
    await unranked.ranker_server.start()
    await unranked.until_completed()
    after = await unranked.client.similar_items("new-mug", k=1)
    assert ([item.item_id for item in after.items], after.served.lacked) == (["red-mug"], ())


async def test_when_it_is_back_it_ranks_again(unranked: Mesh) -> None:
    assert (await unranked.client.recommend("ada", k=1)).served.served_by == "retrieval"
    await unranked.ranker_server.start()
    answer = await until_answer(
        lambda: unranked.client.recommend("ada", k=1), lambda answer: not answer.served.degraded
    )
    assert answer.served.served_by == "rank"


async def test_without_a_ranker_since_the_start_strangers_and_searches_are_served(valkey: ValkeyProcess) -> None:
    async with running_mesh(valkey) as mesh:
        await mesh.ranker_server.stop()
        async with mesh.another_gateway() as replica:
            await replica.client.upsert_items(SHOP)
            await replica.client.record_events([rating("ada", "red-mug")])
            answer = await replica.client.recommend("ada", k=10)
            found = await replica.client.search_items(text="desk lamp", k=1)
            assert sorted(item.item_id for item in answer.items) == sorted(item.item_id for item in SHOP[1:])
            assert [item.item_id for item in found.items] == ["lamp"]
            await mesh.ranker_server.start()
            await replica.until_completed()
            assert (await replica.client.recommend("ada", k=1)).served.served_by == "rank"


async def test_a_slow_ranker_holds_an_answer_up_no_longer_than_its_share(valkey: ValkeyProcess) -> None:
    async with running_mesh(valkey, part_seconds=0.3) as mesh:
        await mesh.client.upsert_items(SHOP)
        await mesh.client.record_events([rating("ada", "red-mug")])
        mesh.ranker.gate.shut()
        answer = await mesh.client.recommend("ada", k=10, timeout=5.0)
        await until(lambda: mesh.ranker.gate.waiting == 0)
    assert (answer.served.served_by, len(answer.items)) == ("retrieval", 5)
    assert [(lack.part, lack.reason) for lack in answer.served.lacked] == [("fusion-ranker", "TIMEOUT")]


async def test_a_ranker_slow_to_read_the_history_still_orders_what_retrieval_finds(valkey: ValkeyProcess) -> None:
    async with running_mesh(valkey, part_seconds=0.3) as mesh:
        await mesh.client.upsert_items(SHOP)
        await mesh.client.record_events([rating("ada", "red-mug")])
        mesh.ranker.user_gate.shut()
        answer = await mesh.client.recommend("ada", k=10, timeout=5.0)
    assert (answer.served.served_by, len(answer.items)) == ("rank", 5)
    assert list(answer.served.lacked) == [Lack("fusion-ranker", "TIMEOUT")]
