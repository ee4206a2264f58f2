"""What is acknowledged is on disk, and the status says how."""

import asyncio

import pytest
from redis import Redis

from modalmesh.errors import Unavailable
from modalmesh_gateway.store import Store
from tests.unit.gateway_store.builders import event, full_record
from tests.unit.gateway_store.conftest import OpenStore, StartServer, ValkeyProcess


@pytest.mark.parametrize("fsync", ["always", "everysec"])
async def test_acknowledged_writes_survive_kill_9(own_server: StartServer, fsync: str, open_store: OpenStore) -> None:
    server = own_server("--appendonly", "yes", "--appendfsync", fsync)
    store = open_store(server.url)
    await store.namespaces.ensure("shop")
    items, events = await write_until_killed(store, server)
    server.start()
    assert items
    assert events
    assert set(await store.catalogue.digests("shop", items)) == set(items)
    assert (await store.histories.history("shop", "ann")).seen >= set(events)


async def write_until_killed(store: Store, server: ValkeyProcess) -> tuple[list[str], list[str]]:
    """What was acknowledged before the server was killed in the middle of it all."""
    items: list[str] = []
    events: list[str] = []

    async def write(writer: int) -> None:
        for number in range(10_000):
            name = f"{writer}-{number}"
            await store.catalogue.put("shop", [full_record(name)])
            items.append(name)
            await store.histories.record("shop", [event("ann", name)], [True])
            events.append(name)

    writers = [asyncio.create_task(write(number)) for number in range(4)]
    while len(events) < 8:
        await asyncio.sleep(0.01)
    server.kill()
    failures = await asyncio.gather(*writers, return_exceptions=True)
    assert all(isinstance(failure, Unavailable) for failure in failures)
    return items, events


@pytest.mark.parametrize(
    ("options", "durability", "durable"),
    [
        (("--appendonly", "yes", "--appendfsync", "always"), "fsync-always", True),
        (("--appendonly", "yes", "--appendfsync", "everysec"), "waitaof", True),
        # As Redis before 7.2, which doesn't know WAITAOF.
        (("--appendonly", "yes", "--rename-command", "WAITAOF", ""), "fsync-everysec", False),
        (("--appendonly", "yes", "--appendfsync", "no"), "fsync-no", False),
        (("--appendonly", "no"), "none", False),
        (("--appendonly", "yes", "--appendfsync", "always", "--rename-command", "CONFIG", ""), "unknown", False),
    ],
)
async def test_the_status_says_how_durable_a_write_is(
    own_server: StartServer, options: tuple[str, ...], durability: str, durable: bool, open_store: OpenStore
) -> None:
    store = open_store(own_server(*options).url)
    status = await store.status()
    assert (status.reachable, status.durability, status.durable) == (True, durability, durable)
    assert status.version.startswith("valkey 9.")
    assert status.used_memory_bytes > 100_000


async def test_each_write_waits_for_a_disk_that_is_synced_once_a_second(
    own_server: StartServer, open_store: OpenStore
) -> None:
    server = own_server("--appendonly", "yes", "--appendfsync", "everysec")
    store = open_store(server.url)
    await store.namespaces.ensure("shop")
    with server.admin() as client:
        client.config_resetstat()
        for number in range(3):
            await store.catalogue.put("shop", [full_record(digest=f"digest-{number}")])
        assert count_waits(client) == 3
        await store.catalogue.get("shop", ["lamp"])
        assert count_waits(client) == 3


async def test_durability_is_found_out_again_after_a_restart(own_server: StartServer, open_store: OpenStore) -> None:
    server = own_server("--appendonly", "yes")
    store = open_store(server.url)
    with server.admin() as client:
        client.config_set("appendfsync", "always")
    assert (await store.status()).durability == "fsync-always"
    server.kill()
    server.start()
    await store.catalogue.put("shop", [full_record()])
    with server.admin() as client:
        assert count_waits(client) == 2
    assert (await store.status()).durability == "waitaof"


def count_waits(client: Redis) -> int:
    calls = client.info("commandstats").get("cmdstat_waitaof", {"calls": 0})["calls"]
    return int(calls)
