"""Following changes: nothing is lost, and what can't be followed is said."""

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from modalmesh.errors import Unavailable
from modalmesh_gateway.store import Change, Cursor, Resync, Store
from tests.unit.gateway_store.builders import event, full_record, waiting_record
from tests.unit.gateway_store.conftest import OpenStore, StartServer, ValkeyProcess


@pytest.fixture(params=["one server", "cluster"])
async def followed(request: pytest.FixtureRequest, own_server: StartServer, open_store: OpenStore) -> Store:
    """A store with the namespace shop; a cluster's streams are read another way."""
    shared: ValkeyProcess | None = request.getfixturevalue("server") if request.param == "cluster" else None
    store = open_store((shared or own_server()).url, log_length=1000)
    await store.namespaces.ensure("shop")
    return store


async def next_change(store: Store, cursor: Cursor) -> Change:
    """The first change that isn't empty."""
    async with aclosing(store.changes.follow("shop", cursor)) as changes:
        async for change in changes:
            assert isinstance(change, Change)
            if change.cursor != cursor:
                return change
    raise AssertionError("the changes ended")


async def first(store: Store, cursor: Cursor) -> Change | Resync:
    async with aclosing(store.changes.follow("shop", cursor)) as changes:
        return await anext(aiter(changes))


async def collect(store: Store, cursor: Cursor, wanted: int) -> set[str]:
    """Ids of changed items until there are `wanted` of them."""
    found: set[str] = set()
    while len(found) < wanted:
        change = await next_change(store, cursor)
        found.update(change.item_ids)
        cursor = change.cursor
    return found


async def test_writes_deletes_and_completions_are_followed(followed: Store) -> None:
    await followed.catalogue.put("shop", [full_record("before")])
    cursor = await followed.changes.cursor("shop")
    await followed.catalogue.put("shop", [full_record("lamp"), waiting_record("chair"), full_record("before")])
    chair = full_record("chair")
    await followed.catalogue.complete("shop", [replace(chair, item=replace(chair.item, revision=1))])
    assert await collect(followed, cursor, 2) == {"lamp", "chair"}
    cursor = await followed.changes.cursor("shop")
    await followed.catalogue.delete("shop", ["lamp", "none"])
    assert (await next_change(followed, cursor)).item_ids == ("lamp",)


async def test_an_item_changed_often_is_told_once_a_batch(followed: Store) -> None:
    cursor = await followed.changes.cursor("shop")
    await followed.catalogue.put("shop", [full_record(digest=f"digest-{number}") for number in range(50)])
    assert (await next_change(followed, cursor)).item_ids == ("lamp",)


async def test_counts_are_totals_of_all_partitions(followed: Store) -> None:
    users = [f"user-{number}" for number in range(20)]
    await followed.histories.record("shop", [event(user, "lamp") for user in users], [True] * 20)
    cursor = await followed.changes.cursor("shop")
    events = [event("ann", "lamp", 7), event("ann", "chair", 8), event("bob", "desk", 9)]
    await followed.histories.record("shop", events, [True, False, True])
    counts: dict[str, int] = {}
    while cursor.event_total < 23:
        change = await next_change(followed, cursor)
        cursor = change.cursor
        counts.update(change.counts)
    assert counts == {"lamp": 21, "desk": 1}
    assert change.event_total == 23


async def test_hearing_of_an_event_twice_counts_it_once(followed: Store) -> None:
    cursor = await followed.changes.cursor("shop")
    await followed.histories.record("shop", [event("ann", "lamp")], [True])
    again = [await next_change(followed, cursor) for _ in range(2)]
    assert [(change.counts, change.event_total) for change in again] == [({"lamp": 1}, 1)] * 2


async def test_quiet_is_told_too(followed: Store) -> None:
    await followed.catalogue.put("shop", [full_record()])
    cursor = await followed.changes.cursor("shop")
    async with asyncio.timeout(2):
        assert await first(followed, cursor) == Change(cursor)


async def test_a_change_arrives_soon(followed: Store) -> None:
    cursor = await followed.changes.cursor("shop")
    change = asyncio.create_task(next_change(followed, cursor))
    await asyncio.sleep(0.6)
    await followed.catalogue.put("shop", [full_record()])
    async with asyncio.timeout(0.3):
        assert (await change).item_ids == ("lamp",)


async def test_more_changes_than_one_read_takes_are_all_followed(followed: Store) -> None:
    cursor = await followed.changes.cursor("shop")
    ids = [f"item-{number}" for number in range(2500)]
    await followed.catalogue.put("shop", [full_record(item_id) for item_id in ids])
    assert await collect(followed, cursor, 2500) == set(ids)


async def test_a_trimmed_stream_means_to_read_everything_again(followed: Store) -> None:
    await followed.catalogue.put("shop", [full_record("item-0")])
    cursor = await followed.changes.cursor("shop")
    await followed.catalogue.put("shop", [full_record(digest=f"digest-{number}") for number in range(1500)])
    assert isinstance(await first(followed, cursor), Resync)
    assert isinstance(await first(followed, await followed.changes.cursor("shop")), Change)


@pytest.mark.parametrize("written_again", [False, True])
async def test_an_emptied_server_means_to_read_everything_again(
    server: ValkeyProcess, store: Store, written_again: bool
) -> None:
    await store.catalogue.put("shop", [full_record(f"item-{number}") for number in range(10)])
    cursor = await store.changes.cursor("shop")
    with server.admin() as client:
        client.flushall()
    if written_again:
        await store.catalogue.put("shop", [full_record(f"item-{number}") for number in range(100)])
    assert isinstance(await first(store, cursor), Resync)


async def test_changes_go_on_after_a_kill_and_restart(own_server: StartServer, open_store: OpenStore) -> None:
    server = own_server()
    store = open_store(server.url)
    await store.catalogue.put("shop", [full_record("before")])
    cursor = await store.changes.cursor("shop")
    await store.catalogue.put("shop", [full_record("unread")])
    following = asyncio.create_task(collect_through_failures(store, cursor, 2))
    await asyncio.sleep(0.2)
    server.kill()
    await asyncio.sleep(0.3)
    server.start()
    await store.catalogue.put("shop", [full_record("after")])
    async with asyncio.timeout(5):
        assert await following == {"unread", "after"}


async def collect_through_failures(store: Store, cursor: Cursor, wanted: int) -> set[str]:
    """As the gateway does: after a failure, follow again from the last cursor."""
    found: set[str] = set()
    while True:
        try:
            async for change in store.changes.follow("shop", cursor):
                assert isinstance(change, Change)
                found.update(change.item_ids)
                cursor = change.cursor
                if len(found) == wanted:
                    return found
        except Unavailable:
            await asyncio.sleep(0.05)


async def test_a_server_that_forgot_means_to_read_everything_again(
    own_server: StartServer, open_store: OpenStore
) -> None:
    server = own_server("--appendonly", "no")
    store = open_store(server.url)
    await store.catalogue.put("shop", [full_record()])
    cursor = await store.changes.cursor("shop")
    server.kill()
    server.start()
    assert isinstance(await first(store, cursor), Resync)
    assert await store.changes.cursor("shop") != cursor


async def test_a_lost_server_is_told(own_server: StartServer, open_store: OpenStore) -> None:
    server = own_server()
    store = open_store(server.url)
    cursor = await store.changes.cursor("shop")
    following = asyncio.create_task(next_change(store, cursor))
    await asyncio.sleep(0.2)
    server.kill()
    with pytest.raises(Unavailable):
        await following
