"""Several gateways over one Redis, at the same time or one after the other."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from modalmesh.errors import NotFound
from modalmesh.types import Item, RankedItems
from tests.integration.gateway.meshes import Mesh, Replica, until_answer
from tests.integration.gateway.shop import SHOP, rating


def ids(answer: RankedItems) -> list[str]:
    return [item.item_id for item in answer.items]


@pytest.fixture
async def other(shop: Mesh) -> AsyncIterator[Replica]:
    """Another gateway that has loaded the shop."""
    async with shop.another_gateway() as replica:
        await replica.until_items(len(SHOP))
        yield replica


async def test_a_gateway_that_was_restarted_has_the_same_catalogue_and_encodes_nothing(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug"), rating("bob", "lamp")])
    before = await until_answer(
        lambda: shop.client.recommend("ada", k=10), lambda answer: answer.items and not answer.served.degraded
    )
    shop.text.encoded.clear()
    async with shop.another_gateway() as restarted:
        after = await restarted.client.recommend("ada", k=10)
        summary = await restarted.client.upsert_items(SHOP)
    assert ids(after) == ids(before)
    assert [item.score for item in after.items] == pytest.approx([item.score for item in before.items], abs=1e-6)
    assert (summary.unchanged, shop.text.encoded) == (len(SHOP), [])


async def test_what_one_writes_the_other_serves(shop: Mesh, other: Replica) -> None:
    await shop.client.upsert_items([Item("new-lamp", "new desk lamp")])
    found = await until_answer(
        lambda: other.client.search_items(text="new desk lamp", k=1), lambda answer: ids(answer) == ["new-lamp"]
    )
    assert found.items[0].title == "new desk lamp"


async def test_what_one_changes_the_other_serves_as_changed(shop: Mesh, other: Replica) -> None:
    await shop.client.upsert_items([Item("lamp", "garden chair")])
    await until_answer(
        lambda: other.client.search_items(text="garden chair", k=1), lambda answer: ids(answer) == ["lamp"]
    )
    assert "lamp" not in ids(await other.client.similar_items("red-mug", k=10, by="image"))


async def test_what_one_deletes_the_other_serves_no_more(shop: Mesh, other: Replica) -> None:
    await shop.client.delete_items(["lamp"])
    await other.until_items(len(SHOP) - 1)
    assert "lamp" not in ids(await other.client.search_items(text="desk lamp", k=10))
    with pytest.raises(NotFound):
        await other.client.similar_items("lamp")


async def test_events_told_to_one_count_in_the_other(shop: Mesh, other: Replica) -> None:
    await shop.client.record_events([rating("ada", "poster"), rating("bob", "poster", 1.0)])
    popular = await until_answer(
        lambda: other.client.recommend("eve", k=1), lambda answer: [item.score for item in answer.items] == [1.0]
    )
    assert ids(popular) == ["poster"]
    assert (await other.client.get_history("ada")).seen_items == 1
    assert "poster" not in ids(await other.client.recommend("ada", k=10))


async def test_an_event_repeated_to_the_other_adds_nothing(shop: Mesh, other: Replica) -> None:
    first = await shop.client.record_events([rating("ada", "poster")])
    again = await other.client.record_events([rating("ada", "poster")])
    assert (first.recorded, again.recorded, again.duplicates) == (1, 0, 1)


async def test_a_namespace_made_by_one_is_known_to_the_other_at_once(shop: Mesh, other: Replica) -> None:
    shop.client.namespace = other.client.namespace = "books"
    await shop.client.upsert_items([Item("novel", "a long novel")])
    assert ids(await other.client.search_items(text="novel", k=1)) == ["novel"]


async def test_both_order_the_same_request_the_same_way(shop: Mesh, other: Replica) -> None:
    await shop.client.upsert_items([Item(f"twin {n}", "the very same") for n in range(30)])
    await other.until_items(len(SHOP) + 30)
    for query in ("the very same", "desk lamp"):
        one, two = [await each.client.search_items(text=query, k=20) for each in (shop, other)]
        assert ids(one) == ids(two)
    one, two = [await each.client.recommend("stranger", k=20) for each in (shop, other)]
    assert ids(one) == ids(two)


async def test_the_same_items_sent_to_both_at_once_are_written_once(shop: Mesh, other: Replica) -> None:
    items = [Item(f"item {n}", f"title {n}") for n in range(50)]
    one, two = await asyncio.gather(shop.client.upsert_items(items), other.client.upsert_items(items))
    listed = [item async for item in shop.client.list_items()]
    assert (one.created + two.created, one.unchanged + two.unchanged) == (50, 50)
    assert {item.revision for item in listed} == {1}


async def test_pending_items_are_completed_by_both_without_a_quarrel(shop: Mesh, other: Replica) -> None:
    await shop.text_server.stop()
    await shop.client.upsert_items([Item(f"item {n}", f"title {n}") for n in range(50)])
    await other.until_items(len(SHOP) + 50)
    await shop.text_server.start()
    await asyncio.gather(shop.until_completed(), other.until_completed())
    stored = [item async for item in other.client.list_items()]
    assert {(item.revision, item.pending) for item in stored} == {(1, ())}
