"""Callers who leave or run out of time, and what changes while they wait."""

import asyncio

import pytest

from modalmesh.errors import DeadlineExceeded, NotFound
from modalmesh.types import Item, Picture
from modalmesh.v1 import recommender_service_pb2 as pb
from modalmesh.v1 import types_pb2 as types
from tests.integration.gateway.meshes import Mesh, until, until_answer
from tests.integration.gateway.shop import SHOP, rating

UPSERT = pb.UpsertItemsRequest(namespace="shop", items=[types.Item(item_id="late", title="a late title")])


async def test_an_upsert_past_its_deadline_ends_and_its_texts_are_not_encoded(mesh: Mesh) -> None:
    mesh.text.gate.shut()
    with pytest.raises(DeadlineExceeded):
        await mesh.client.upsert_items([Item("late", "a late title")], timeout=0.3)
    await until(lambda: mesh.text.gate.waiting == 0)
    mesh.text.gate.open()
    assert mesh.text.encoded == []


async def test_an_upsert_whose_caller_left_ends_and_its_texts_are_not_encoded(mesh: Mesh) -> None:
    mesh.text.gate.shut()
    call = mesh.stub.UpsertItems(iter([UPSERT]))
    await until(lambda: mesh.text.gate.waiting)
    call.cancel()
    await until(lambda: mesh.text.gate.waiting == 0)
    mesh.text.gate.open()
    assert mesh.text.encoded == []
    with pytest.raises(NotFound):
        await mesh.client.get_item("late")


async def test_a_search_whose_caller_left_does_not_reach_the_encoder(shop: Mesh) -> None:
    shop.text.gate.shut()
    shop.text.encoded.clear()
    call = shop.stub.SearchItems(pb.SearchItemsRequest(namespace="shop", text="never heard", k=3))
    await until(lambda: shop.text.gate.waiting)
    call.cancel()
    await until(lambda: shop.text.gate.waiting == 0)
    shop.text.gate.open()
    assert shop.text.encoded == []


async def test_a_recommendation_whose_caller_left_frees_the_ranker(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    shop.ranker.gate.shut()
    call = shop.stub.Recommend(pb.RecommendRequest(namespace="shop", user_id="ada", k=3))
    await until(lambda: shop.ranker.gate.waiting)
    call.cancel()
    await until(lambda: shop.ranker.gate.waiting == 0)
    shop.ranker.gate.open()
    assert (await shop.client.recommend("ada", k=3)).served.served_by == "rank"


async def test_a_recommendation_past_its_deadline_ends(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    shop.ranker.gate.shut()
    with pytest.raises(DeadlineExceeded):
        await shop.client.recommend("ada", k=3, timeout=0.3)
    await until(lambda: shop.ranker.gate.waiting == 0)


async def test_a_deadline_that_passes_while_the_request_is_sent_is_no_cancellation(mesh: Mesh) -> None:
    late = 0
    for number in range(600):
        try:
            await mesh.client.upsert_items([Item(f"mug {number}", "red mug")], timeout=number % 20 * 0.0001)
        except DeadlineExceeded:
            late += 1
    assert late


async def test_the_same_picture_in_flight_in_two_calls_is_encoded_once(mesh: Mesh) -> None:
    mesh.image.gate.shut()
    calls = [
        asyncio.create_task(mesh.client.upsert_items([Item(str(n), pictures=[Picture(b"same look")])]))
        for n in range(4)
    ]
    await until(lambda: mesh.image.gate.waiting)
    mesh.image.gate.open()
    summaries = await asyncio.gather(*calls)
    assert (sum(each.created for each in summaries), mesh.image.encoded) == (4, ["same look"])


async def test_a_search_and_an_upsert_in_flight_share_one_encoding(shop: Mesh) -> None:
    shop.text.gate.shut()
    shop.text.encoded.clear()
    searching = asyncio.create_task(shop.client.search_items(text="new words", k=1))
    await until(lambda: shop.text.gate.waiting)
    writing = asyncio.create_task(shop.client.upsert_items([Item("new", "new words")]))
    shop.text.gate.open()
    await asyncio.gather(searching, writing)
    assert shop.text.encoded == ["new words"]


async def test_items_deleted_while_the_ranker_thinks_are_not_recommended(mesh: Mesh) -> None:
    await mesh.client.upsert_items([Item(f"mug {n}", f"red mug {n}") for n in range(30)])
    await mesh.client.record_events([rating("ada", "mug 0")])
    before = await mesh.client.recommend("ada", k=5)
    mesh.ranker.gate.shut()
    waiting = asyncio.create_task(mesh.client.recommend("ada", k=5, explain=True))
    await until(lambda: mesh.ranker.gate.waiting)
    deleted = {item.item_id for item in before.items}
    await mesh.client.delete_items(sorted(deleted))
    mesh.ranker.gate.open()
    answer = await waiting
    assert (answer.served.served_by, len(answer.items)) == ("rank", 5)
    assert not deleted & {item.item_id for item in answer.items}


async def test_a_row_given_to_another_item_while_the_ranker_thinks_shows_no_wrong_item(mesh: Mesh) -> None:
    await mesh.client.upsert_items([Item(f"mug {n}", f"red mug {n}") for n in range(10)])
    await mesh.client.record_events([rating("ada", "mug 0")])
    mesh.ranker.gate.shut()
    waiting = asyncio.create_task(mesh.client.recommend("ada", k=10))
    await until(lambda: mesh.ranker.gate.waiting)
    await mesh.client.delete_items(["mug 3", "mug 4"])
    await mesh.client.upsert_items([Item(f"chair {n}", f"garden chair {n}") for n in range(5)])
    mesh.ranker.gate.open()
    answer = await waiting
    assert {item.item_id for item in answer.items} == {f"mug {n}" for n in (1, 2, 5, 6, 7, 8, 9)}
    assert all(item.title == f"red {item.item_id}" for item in answer.items)


async def test_a_liked_item_deleted_while_the_ranker_thinks_fails_no_answer(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    shop.ranker.gate.shut()
    ranking = asyncio.create_task(shop.client.rank(["lamp", "blue-mug"], "ada"))
    recommending = asyncio.create_task(shop.client.recommend("ada", k=3, explain=True))
    await until(lambda: shop.ranker.gate.waiting == 2)
    await shop.client.delete_items(["red-mug", "lamp"])
    shop.ranker.gate.open()
    assert "lamp" not in {item.item_id for item in (await recommending).items}
    ranked = await ranking
    assert ([item.item_id for item in ranked.items], ranked.unknown) == (["blue-mug"], ("lamp",))


async def test_a_catalogue_deleted_while_the_ranker_thinks_leaves_an_empty_answer(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    shop.ranker.gate.shut()
    waiting = asyncio.create_task(shop.client.recommend("ada", k=3, explain=True))
    await until(lambda: shop.ranker.gate.waiting)
    await shop.client.delete_items([item.item_id for item in SHOP])
    shop.ranker.gate.open()
    assert (await waiting).items == ()
    assert (await until_answer(lambda: shop.client.recommend("ada", k=3), lambda _: True)).items == ()
