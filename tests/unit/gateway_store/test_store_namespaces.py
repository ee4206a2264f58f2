"""Namespaces and their partition counts."""

from modalmesh_gateway.store import Namespace, Store
from tests.unit.gateway_store.builders import full_record
from tests.unit.gateway_store.conftest import OpenStore, ValkeyProcess


async def test_a_namespace_is_made_on_first_use(store: Store) -> None:
    assert await store.namespaces.get("shop") is None
    assert await store.namespaces.ensure("shop") == Namespace("shop", 4)
    assert await store.namespaces.get("shop") == Namespace("shop", 4)


async def test_all_namespaces_are_listed_by_name(store: Store) -> None:
    for name in ("shop", "{films}", "bücher"):
        await store.namespaces.ensure(name)
    assert [namespace.name for namespace in await store.namespaces.all()] == ["bücher", "shop", "{films}"]


async def test_the_partition_count_stays_what_it_was_at_first(
    server: ValkeyProcess, store: Store, open_store: OpenStore
) -> None:
    await store.catalogue.put("shop", [full_record()])
    other = open_store(server.url, partitions=64)
    assert await other.namespaces.ensure("shop") == Namespace("shop", 4)
    assert "lamp" in await other.catalogue.get("shop", ["lamp"])


async def test_an_emptied_server_is_told_the_namespace_again(server: ValkeyProcess, store: Store) -> None:
    await store.namespaces.ensure("shop")
    with server.admin() as client:
        client.flushall()
    await store.catalogue.put("shop", [full_record()])
    await store.changes.cursor("shop")
    assert await store.namespaces.all() == [Namespace("shop", 4)]


async def test_another_gateways_new_beginning_is_taken_over(
    server: ValkeyProcess, store: Store, open_store: OpenStore
) -> None:
    await store.namespaces.ensure("shop")
    with server.admin() as client:
        client.flushall()
    other = open_store(server.url, partitions=64)
    await other.catalogue.put("shop", [full_record()])
    await store.changes.cursor("shop")
    assert "lamp" in await store.catalogue.get("shop", ["lamp"])
