import pytest

from modalmesh.errors import InvalidInput
from tests.integration.gateway.meshes import Mesh, until_answer
from tests.integration.gateway.shop import rating

CANDIDATES = ["lamp", "blue-mug", "poster", "red-cup"]


async def test_the_callers_candidates_come_back_in_the_users_order(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    answer = await shop.client.rank(CANDIDATES, "ada")
    assert {item.item_id for item in answer.items[:2]} == {"blue-mug", "red-cup"}
    assert sorted(item.item_id for item in answer.items) == sorted(CANDIDATES)
    assert (answer.served.served_by, answer.served.lacked) == ("rank", ())


async def test_a_history_in_the_request_ranks_as_the_same_one_stored(shop: Mesh) -> None:
    events = [rating("ada", "red-mug"), rating("ada", "bulb", 1.0, after_ms=5)]
    await shop.client.record_events(events)
    stored = await until_answer(lambda: shop.client.rank(CANDIDATES, "ada"), lambda answer: answer.items[0].score > 0.2)
    brought = await shop.client.rank(CANDIDATES, history=events)
    assert [item.item_id for item in brought.items] == [item.item_id for item in stored.items]
    assert [item.score for item in brought.items] == pytest.approx([item.score for item in stored.items])


async def test_a_history_in_the_request_is_not_stored(shop: Mesh) -> None:
    await shop.client.rank(CANDIDATES, history=[rating("ada", "red-mug")])
    assert (await shop.client.get_history("ada")).seen_items == 0


async def test_ids_that_name_no_item_are_listed_and_the_others_ranked(shop: Mesh) -> None:
    answer = await shop.client.rank(["nothing", "lamp", "none"], history=[rating("ada", "red-mug")])
    assert [item.item_id for item in answer.items] == ["lamp"]
    assert answer.unknown == ("nothing", "none")


async def test_a_seen_item_is_ranked_when_the_caller_asks_for_it(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    answer = await shop.client.rank(["lamp", "red-mug"], "ada")
    assert {item.item_id for item in answer.items} == {"lamp", "red-mug"}


async def test_for_a_stranger_what_many_liked_comes_first(shop: Mesh) -> None:
    await shop.client.record_events([rating("a", "poster"), rating("b", "poster"), rating("c", "red-cup")])
    answer = await until_answer(
        lambda: shop.client.rank(CANDIDATES, "stranger"), lambda answer: answer.items[0].score == 2.0
    )
    assert [(item.item_id, item.score) for item in answer.items[:2]] == [("poster", 2.0), ("red-cup", 1.0)]
    assert (answer.served.served_by, answer.served.degraded) == ("popular", False)


async def test_a_history_beside_a_user_is_refused_as_ambiguous(shop: Mesh) -> None:
    with pytest.raises(InvalidInput) as refused:
        await shop.client.rank(CANDIDATES, "ada", [rating("ada", "red-mug")])
    assert (refused.value.field, refused.value.reason) == ("history", "AMBIGUOUS")
