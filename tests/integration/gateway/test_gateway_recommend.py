from modalmesh.types import Item, RankedItems
from tests.integration.gateway.meshes import Mesh, running_mesh, until_answer
from tests.integration.gateway.shop import SHOP, rating
from tests.valkey import ValkeyProcess


def ids(answer: RankedItems) -> list[str]:
    return [item.item_id for item in answer.items]


async def test_what_is_like_the_liked_comes_first_and_what_was_seen_never(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug"), rating("ada", "lamp", 1.0)])
    answer = await shop.client.recommend("ada", k=10)
    assert set(ids(answer)[:2]) == {"blue-mug", "red-cup"}
    assert sorted(ids(answer)) == ["blue-mug", "bulb", "poster", "red-cup"]


async def test_scores_are_probabilities_in_falling_order_by_a_named_model(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    answer = await shop.client.recommend("ada", k=3)
    scores = [item.score for item in answer.items]
    ranker = (await shop.client.status()).services[2].model
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] < scores[0] < 1
    assert (answer.served.served_by, answer.served.lacked) == ("rank", ())
    assert ranker is not None
    assert answer.served.ranker_revision == ranker.fingerprint


async def test_a_stranger_gets_what_many_liked(shop: Mesh) -> None:
    await shop.client.record_events([rating(user, "lamp") for user in "abc"] + [rating("a", "poster")])
    answer = await until_answer(
        lambda: shop.client.recommend("stranger", k=2), lambda answer: sum(item.score for item in answer.items) == 4.0
    )
    assert [(item.item_id, item.score) for item in answer.items] == [("lamp", 3.0), ("poster", 1.0)]
    assert (answer.served.served_by, answer.served.degraded) == ("popular", False)


async def test_there_are_never_more_than_k_nor_more_than_there_are(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    assert len((await shop.client.recommend("ada", k=1)).items) == 1
    assert len((await shop.client.recommend("ada", k=1000)).items) == len(SHOP) - 1


async def test_who_has_seen_everything_gets_nothing(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", item.item_id) for item in SHOP])
    answer = await shop.client.recommend("ada", k=5)
    assert (answer.items, answer.served.degraded) == ((), False)


async def test_an_item_is_recommended_as_soon_as_its_upsert_is_answered(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    await shop.client.upsert_items([Item("new-mug", "red mug for tea and milk")])
    assert ids(await shop.client.recommend("ada", k=1)) == ["new-mug"]


async def test_every_answer_carries_titles(shop: Mesh) -> None:
    titles = {item.item_id: item.title for item in (await shop.client.recommend("stranger", k=10)).items}
    assert titles["lamp"] == "desk lamp"
    assert titles["poster"] == ""


async def test_an_explanation_comes_with_each_item_when_asked_for(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    plain = await shop.client.recommend("ada", k=3)
    explained = await shop.client.recommend("ada", k=3, explain=True)
    assert ids(explained) == ids(plain)
    assert all(item.explanation is None for item in plain.items)
    for item in explained.items:
        assert item.explanation is not None
        assert item.explanation.item_id == item.item_id
        assert abs(item.explanation.probability - item.score) < 1e-6


async def test_retrieval_leaves_room_for_what_is_popular(valkey: ValkeyProcess) -> None:
    async with running_mesh(valkey, retrieve=10) as mesh:
        mugs = [Item(f"mug {number}", f"red mug {number}") for number in range(30)]
        await mesh.client.upsert_items([*mugs, Item("hit", "something else altogether")])
        await mesh.client.record_events([rating("ada", "mug 0"), *(rating(user, "hit") for user in "bcdef")])
        answer = await until_answer(lambda: mesh.client.recommend("ada", k=30), lambda answer: "hit" in ids(answer))
    assert len(answer.items) == 10
