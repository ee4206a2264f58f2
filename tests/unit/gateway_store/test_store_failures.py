"""Redis gone, full, loading, read-only: said at once, and cured by itself."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable

import pytest
from redis.exceptions import RedisError, ResponseError

from modalmesh.errors import Unavailable
from modalmesh_gateway.store import Store
from modalmesh_gateway.store.failures import redis_failures
from tests.unit.gateway_store.builders import cache_keys, cache_values, event, full_record, waiting_record
from tests.unit.gateway_store.conftest import OpenStore, StartServer

NOBODY = "redis://127.0.0.1:1/0"

CALLS: dict[str, Callable[[Store], Awaitable[object]]] = {
    "ensure": lambda store: store.namespaces.ensure("shop"),
    "all": lambda store: store.namespaces.all(),
    "get": lambda store: store.catalogue.get("shop", ["lamp"]),
    "put": lambda store: store.catalogue.put("shop", [full_record()]),
    "page": lambda store: store.catalogue.page("shop", 10, ""),
    "count": lambda store: store.catalogue.count("shop"),
    "record": lambda store: store.histories.record("shop", [event("ann", "lamp")], [True]),
    "history": lambda store: store.histories.history("shop", "ann"),
    "cursor": lambda store: store.changes.cursor("shop"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
async def test_a_server_that_is_not_there_is_unavailable_at_once(
    call: Callable[[Store], Awaitable[object]], open_store: OpenStore
) -> None:
    store = open_store(NOBODY)
    started = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        await call(store)
    assert time.monotonic() - started < 0.5
    assert (caught.value.part, caught.value.retry_after) == ("redis", 1.0)


async def test_the_status_of_a_server_that_is_not_there_is_no_error(open_store: OpenStore) -> None:
    store = open_store(NOBODY)
    status = await store.status()
    assert (status.reachable, status.durable) == (False, False)


async def test_a_server_that_hangs_is_unavailable_in_less_than_a_second(
    own_server: StartServer, open_store: OpenStore
) -> None:
    server = own_server()
    store = open_store(server.url)
    await store.catalogue.put("shop", [full_record()])
    server.signal(signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(Unavailable, match="in time"):
        await store.catalogue.get("shop", ["lamp"])
    assert time.monotonic() - started < 1.0
    server.signal(signal.SIGCONT)
    assert "lamp" in await store.catalogue.get("shop", ["lamp"])


async def test_connections_come_back_by_themselves(own_server: StartServer, open_store: OpenStore) -> None:
    server = own_server()
    store = open_store(server.url)
    await asyncio.gather(*(store.catalogue.put("shop", [full_record(f"item-{number}")]) for number in range(20)))
    server.kill()
    with pytest.raises(Unavailable):
        await store.catalogue.count("shop")
    server.start()
    assert await asyncio.gather(*(store.catalogue.count("shop") for _ in range(20))) == [20] * 20
    assert (await store.catalogue.put("shop", [full_record("new")]))[0].outcome == "created"


async def test_a_restart_that_nobody_noticed_costs_nothing(own_server: StartServer, open_store: OpenStore) -> None:
    server = own_server()
    store = open_store(server.url)
    await store.catalogue.put("shop", [full_record()])
    server.kill()
    server.start()
    assert (await store.catalogue.put("shop", [full_record(digest="digest-2")]))[0].revision == 2


async def test_a_full_server_says_so_and_is_left_whole(own_server: StartServer, open_store: OpenStore) -> None:
    server = own_server("--maxmemory", "100mb", "--maxmemory-policy", "noeviction")
    store = open_store(server.url)
    await store.catalogue.put("shop", [waiting_record()], {"p1": b"jpeg"})
    with server.admin() as client:
        client.config_set("maxmemory", "1mb")
        before = {key: client.dump(key) for key in client.scan_iter()}
        with pytest.raises(Unavailable, match="out of memory") as caught:
            await store.catalogue.put("shop", [full_record(digest="digest-2")])
        with pytest.raises(Unavailable, match="out of memory"):
            await store.histories.record("shop", [event("ann", "lamp")], [True])
        assert {key: client.dump(key) for key in client.scan_iter()} == before
    assert caught.value.reason == "REDIS_OUT_OF_MEMORY"
    assert "lamp" in await store.catalogue.get("shop", ["lamp"])


async def test_deleting_works_on_a_full_server(own_server: StartServer, open_store: OpenStore) -> None:
    server = own_server("--maxmemory", "100mb", "--maxmemory-policy", "noeviction")
    store = open_store(server.url)
    await store.catalogue.put("shop", [full_record()])
    with server.admin() as client:
        client.config_set("maxmemory", "1mb")
    assert await store.catalogue.delete("shop", ["lamp"]) == {"lamp"}
    assert await store.catalogue.count("shop") == 0


async def test_a_full_cache_stores_nothing_and_answers(own_server: StartServer, open_store: OpenStore) -> None:
    server = own_server("--maxmemory", "1mb", "--maxmemory-policy", "noeviction")
    store = open_store(server.url)
    assert await store.cache.put_many(cache_values(3)) == 0
    assert await store.cache.get_many(cache_keys(3), 8) == {}


async def test_a_read_only_replica_says_so(own_server: StartServer, open_store: OpenStore) -> None:
    primary, replica = own_server(), own_server()
    store = open_store(replica.url)
    await store.catalogue.put("shop", [full_record()])
    with replica.admin() as client:
        client.replicaof("127.0.0.1", primary.port)
    with pytest.raises(Unavailable, match="read-only") as caught:
        await store.catalogue.put("shop", [full_record(digest="digest-2")])
    assert caught.value.reason == "REDIS_READ_ONLY"


async def test_wrong_credentials_say_so(own_server: StartServer, open_store: OpenStore) -> None:
    server = own_server("--requirepass", "secret")
    store = open_store(server.url)
    with pytest.raises(Unavailable) as caught:
        await store.catalogue.count("shop")
    assert caught.value.reason == "REDIS_AUTH"


async def test_more_callers_than_connections_wait_for_their_turn(store: Store) -> None:
    await store.catalogue.put("shop", [full_record()])
    found = await asyncio.gather(*(store.catalogue.get("shop", ["lamp"]) for _ in range(200)))
    assert all("lamp" in records for records in found)


@pytest.mark.parametrize("message", ["MISCONF can't persist", "NOREPLICAS not enough", "BUSY running a script"])
def test_a_server_that_refuses_for_now_is_unavailable(message: str) -> None:
    with pytest.raises(Unavailable, match=message.split()[0]), redis_failures():
        raise ResponseError(message)


def test_a_mistake_of_our_own_is_not_hidden() -> None:
    with pytest.raises(RedisError, match="WRONGTYPE"), redis_failures():
        raise ResponseError("WRONGTYPE Operation against a key")


def test_a_url_that_is_none_is_refused(open_store: OpenStore) -> None:
    with pytest.raises(ValueError, match="scheme"):
        open_store("localhost:6379")
