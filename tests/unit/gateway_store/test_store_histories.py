"""Events recorded once, windows trimmed, what was seen kept whole."""

import asyncio

import pytest

from modalmesh.types import Event
from modalmesh_gateway.store import Store, StoredHistory
from tests.unit.gateway_store.builders import event
from tests.unit.gateway_store.conftest import OpenStore, ValkeyProcess


async def record(store: Store, *events: Event, positive: bool = True) -> list[bool]:
    return await store.histories.record("shop", events, [positive] * len(events))


@pytest.mark.parametrize(
    "given",
    [
        event("ann", "lamp"),
        Event("ann", "lamp", -1, "view", None, "e"),
        Event("ann", "lamp", 2**53 + 1, "purchase", 0.1, "e"),
        Event("a{n}n", "l\0a:m}p", 5, "❤", -0.0, "i\0d"),
    ],
)
async def test_every_field_comes_back(store: Store, given: Event) -> None:
    assert await record(store, given) == [True]
    assert await store.histories.history("shop", given.user_id) == StoredHistory([given], frozenset([given.item_id]))


async def test_an_event_is_recorded_once(store: Store) -> None:
    one, two = event("ann", "lamp", 1), event("ann", "chair", 2)
    assert await record(store, one, two, one) == [True, True, False]
    assert await record(store, two) == [False]
    assert (await store.histories.history("shop", "ann")).events == [one, two]
    assert await store.histories.counts("shop") == {"lamp": 1, "chair": 1}
    assert await store.histories.event_total("shop") == 2


async def test_an_event_sent_by_two_callers_at_once_is_recorded_once(store: Store) -> None:
    outcomes = await asyncio.gather(*(record(store, event("ann", "lamp")) for _ in range(8)))
    assert sorted(outcomes) == [[False]] * 7 + [[True]]
    assert await store.histories.counts("shop") == {"lamp": 1}


async def test_users_do_not_share_event_ids(store: Store) -> None:
    events = [event("ann", "lamp", event_id="1"), event("bob", "lamp", event_id="1")]
    assert await record(store, *events) == [True, True]


async def test_a_history_is_in_order_of_time_and_ties_of_items(store: Store) -> None:
    events = [event("ann", item, time) for item, time in [("b", 5), ("c", -5), ("a!", 5), ("a", 5), ("d", 0)]]
    await record(store, *events)
    history = await store.histories.history("shop", "ann")
    assert [(each.time_ms, each.item_id) for each in history.events] == [
        (-5, "c"), (0, "d"), (5, "a"), (5, "a!"), (5, "b"),
    ]  # fmt: skip


async def test_the_window_is_trimmed_and_what_was_seen_is_whole(server: ValkeyProcess, open_store: OpenStore) -> None:
    store = open_store(server.url, history_window=5)
    await record(store, *(event("ann", f"item-{number:02}", number) for number in range(20)))
    await record(store, event("ann", "old", -1))
    history = await store.histories.history("shop", "ann")
    assert [each.time_ms for each in history.events] == [15, 16, 17, 18, 19]
    assert history.seen == {*(f"item-{number:02}" for number in range(20)), "old"}
    assert await record(store, event("ann", "old", -1)) == [False]


async def test_ties_at_the_windows_edge_are_trimmed_by_item(server: ValkeyProcess, open_store: OpenStore) -> None:
    store = open_store(server.url, history_window=2)
    await record(store, *(event("ann", item, 7) for item in ("ab", "b", "a", "a!")))
    history = await store.histories.history("shop", "ann")
    assert [each.item_id for each in history.events] == ["ab", "b"]


async def test_only_positive_events_count(store: Store) -> None:
    events = [event("ann", "lamp"), event("ann", "chair"), event("bob", "lamp")]
    await store.histories.record("shop", events, [True, False, True])
    assert await store.histories.counts("shop") == {"lamp": 2}
    assert await store.histories.event_total("shop") == 3
    assert (await store.histories.history("shop", "ann")).seen == {"lamp", "chair"}


async def test_a_large_batch_is_answered_in_order(store: Store) -> None:
    events = [event(f"user-{number % 7}", f"item-{number % 50}", number) for number in range(5000)]
    await record(store, *events[::3])
    assert await record(store, *events) == [number % 3 != 0 for number in range(5000)]
    assert await store.histories.event_total("shop") == 5000
    assert sum((await store.histories.counts("shop")).values()) == 5000


async def test_an_unknown_user_or_namespace_has_no_history(store: Store) -> None:
    empty = StoredHistory([], frozenset())
    assert await store.histories.history("none", "ann") == empty
    assert await store.histories.counts("none") == {}
    assert await store.histories.event_total("none") == 0
    assert await record(store) == []
    assert await store.histories.history("shop", "ann") == empty


async def test_the_log_holds_what_was_recorded_and_is_bounded(server: ValkeyProcess, open_store: OpenStore) -> None:
    store = open_store(server.url, partitions=1, log_length=1000)
    await record(store, *(event("ann", f"item-{number}", number) for number in range(3000)))
    with server.admin() as client:
        ((_, last),) = client.xrevrange("mm:{shop:u:0}:log", count=1)
        assert (last[b"n"], last[b"user"], last[b"item"]) == (b"3000", b"ann", b"item-2999")
        assert 1000 <= client.xlen("mm:{shop:u:0}:log") < 1200
