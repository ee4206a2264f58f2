from modalmesh.types import RankedItems
from tests.integration.gateway.meshes import Mesh, running_mesh, until_answer
from tests.integration.gateway.shop import SHOP, event, rating
from tests.valkey import ValkeyProcess


async def popular(mesh: Mesh, *scores: float) -> RankedItems:
    """What a stranger is recommended, once the index has heard of the events."""
    answer: RankedItems = await until_answer(
        lambda: mesh.client.recommend("stranger", k=len(scores)),
        lambda answer: [item.score for item in answer.items] == list(scores),
    )
    return answer


async def test_a_history_comes_back_the_oldest_first(shop: Mesh) -> None:
    events = [rating("ada", "red-cup", 4.5, after_ms=20, event_id="b"), rating("ada", "lamp", 1.0, event_id="a")]
    summary = await shop.client.record_events(events)
    history = await shop.client.get_history("ada")
    assert (summary.recorded, summary.duplicates) == (2, 0)
    assert list(history.events) == [events[1], events[0]]


async def test_an_event_id_that_is_known_adds_nothing(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "lamp", event_id="order-7")])
    again = await shop.client.record_events([rating("ada", "red-cup", 1.0, event_id="order-7")])
    history = await shop.client.get_history("ada")
    assert (again.recorded, again.duplicates) == (0, 1)
    assert ([each.item_id for each in history.events], history.seen_items) == (["lamp"], 1)


async def test_an_event_without_an_id_is_known_by_what_it_says(shop: Mesh) -> None:
    summary = await shop.client.record_events([rating("ada", "lamp"), rating("ada", "lamp")])
    again = await shop.client.record_events([rating("ada", "lamp"), rating("ada", "lamp", after_ms=1)])
    assert (summary.recorded, summary.duplicates) == (1, 1)
    assert (again.recorded, again.duplicates) == (1, 1)
    assert len((await shop.client.get_history("ada")).events) == 2


async def test_a_repeated_event_makes_nothing_more_popular(shop: Mesh) -> None:
    for _ in range(3):
        await shop.client.record_events([rating("ada", "lamp", event_id="once")])
    await shop.client.record_events([rating("bob", "lamp", event_id="once")])
    answer = await popular(shop, 2.0, 0.0)
    status = await shop.client.status()
    assert answer.items[0].item_id == "lamp"
    assert status.namespaces[0].events == 2


async def test_users_do_not_see_each_others_histories(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "lamp"), rating("bob", "red-cup")])
    assert [each.item_id for each in (await shop.client.get_history("bob")).events] == ["red-cup"]
    assert (await shop.client.get_history("nobody")).events == ()


async def test_what_left_the_window_still_counts_as_seen(valkey: ValkeyProcess) -> None:
    async with running_mesh(valkey, history_window=2) as mesh:
        await mesh.client.upsert_items(SHOP)
        await mesh.client.record_events([rating("ada", item.item_id, after_ms=n) for n, item in enumerate(SHOP[:4])])
        history = await mesh.client.get_history("ada")
        answer = await mesh.client.recommend("ada", k=10)
    assert ([each.item_id for each in history.events], history.seen_items) == (["red-cup", "lamp"], 4)
    assert {item.item_id for item in answer.items} == {"bulb", "poster"}


async def test_a_low_rating_marks_an_item_as_seen_and_no_more(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "lamp", 3.4), rating("bob", "red-cup", 3.5)])
    assert (await popular(shop, 1.0, 0.0)).items[0].item_id == "red-cup"
    answer = await shop.client.recommend("ada", k=10)
    assert len(answer.items) == 5
    assert "lamp" not in {item.item_id for item in answer.items}


async def test_from_which_rating_on_is_a_setting(valkey: ValkeyProcess) -> None:
    async with running_mesh(valkey, positive_rating=2.0) as mesh:
        await mesh.client.upsert_items(SHOP)
        await mesh.client.record_events([rating("ada", "lamp", 1.9), rating("ada", "red-cup", 2.0)])
        assert (await popular(mesh, 1.0, 0.0)).items[0].item_id == "red-cup"


async def test_every_type_but_a_refusal_speaks_for_an_item(shop: Mesh) -> None:
    kinds = ["view", "purchase", "dislike", "skip", "hide", "my-own_type"]
    await shop.client.record_events([event("ada", item.item_id, kind) for item, kind in zip(SHOP, kinds, strict=True)])
    answer = await popular(shop, 1.0, 1.0, 1.0, 0.0)
    assert {item.item_id for item in answer.items[:3]} == {"red-mug", "blue-mug", "poster"}


async def test_events_of_an_item_that_comes_later_are_refused_until_it_is_there(mesh: Mesh) -> None:
    await mesh.client.upsert_items(SHOP[:1])
    before = await mesh.client.record_events([rating("ada", "red-mug"), rating("ada", "lamp")])
    await mesh.client.upsert_items(SHOP)
    after = await mesh.client.record_events([rating("ada", "red-mug"), rating("ada", "lamp")])
    assert [(each.position, each.field, each.reason) for each in before.refused] == [(1, "item_id", "UNKNOWN_ITEM")]
    assert (before.recorded, after.recorded, after.duplicates) == (1, 1, 1)


async def test_many_events_in_one_call_are_all_recorded(shop: Mesh) -> None:
    events = [rating(f"user {n % 7}", SHOP[n % 6].item_id, after_ms=n) for n in range(3000)]
    summary = await shop.client.record_events(events)
    status = await until_answer(shop.client.status, lambda status: status.namespaces[0].events == 3000)
    assert (summary.recorded, status.namespaces[0].events) == (3000, 3000)
    assert (await popular(shop, 500.0)).items[0].score == 500.0
