"""The cache gives back what was put, or nothing; never something else, and never an error."""

import asyncio
import logging
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from modalmesh.embeddings import FloatMatrix
from modalmesh_gateway.store import EmbeddingKey, Store
from modalmesh_gateway.store.keys import cache_key
from tests.unit.gateway_store.builders import TEXT_MODEL, cache_keys, cache_values, vectors
from tests.unit.gateway_store.conftest import OpenStore, ValkeyProcess

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
NUMBERS = st.floats(-1, 1, width=32).map(lambda number: np.float32(number))
MATRICES = arrays.arrays(np.float32, st.tuples(st.integers(1, 4), st.just(8)), elements=NUMBERS)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stored=st.dictionaries(st.builds(EmbeddingKey, NAMES, NAMES), MATRICES, max_size=8))
async def test_what_was_put_comes_back(
    stored: dict[EmbeddingKey, FloatMatrix], server: ValkeyProcess, open_store: OpenStore
) -> None:
    store = open_store(server.url)
    assert await store.cache.put_many(stored) == len(stored)
    found = await store.cache.get_many([*stored, EmbeddingKey("never", "put")], 8)
    assert found.keys() == stored.keys()
    for key, matrix in stored.items():
        assert np.allclose(found[key], matrix, atol=3e-4)


async def test_thousands_at_once(store: Store) -> None:
    stored = cache_values(5000)
    assert await store.cache.put_many(stored) == 5000
    assert (await store.cache.get_many(list(stored) * 2, 8)).keys() == stored.keys()


async def test_nothing_asked_is_nothing_found(store: Store) -> None:
    assert await store.cache.get_many([], 8) == {}
    assert await store.cache.put_many({}) == 0


async def test_namespaces_share_what_is_cached(server: ValkeyProcess, store: Store) -> None:
    await store.cache.put_many(cache_values(1))
    with server.admin() as client:
        assert client.keys() == [cache_key(cache_keys(1)[0]).encode()]


async def test_a_video_has_several_rows(store: Store) -> None:
    (key,) = cache_keys(1)
    await store.cache.put_many({key: vectors(5, 8, TEXT_MODEL).values})
    assert (await store.cache.get_many([key], 8))[key].shape == (5, 8)


@pytest.mark.parametrize(("dim", "hits"), [(8, 1), (None, 1), (16, 0)])
async def test_a_value_of_another_dim_is_a_miss(store: Store, dim: int | None, hits: int) -> None:
    await store.cache.put_many(cache_values(1))
    assert len(await store.cache.get_many(cache_keys(1), dim)) == hits


@pytest.mark.parametrize("damage", [b"", b"torn", b"mmv1" + bytes(40), None])
async def test_a_corrupt_value_is_a_miss_and_its_neighbours_hit(
    store: Store, server: ValkeyProcess, damage: bytes | None
) -> None:
    await store.cache.put_many(cache_values(3))
    with server.admin() as client:
        name = cache_key(cache_keys(3)[1])
        whole = client.get(name)
        assert isinstance(whole, bytes)
        client.set(name, whole[:-1] if damage is None else damage)
    assert set(await store.cache.get_many(cache_keys(3), 8)) == {cache_keys(3)[0], cache_keys(3)[2]}


async def test_another_models_value_is_a_miss(store: Store, server: ValkeyProcess) -> None:
    mine, theirs = EmbeddingKey("text-1", "hash"), EmbeddingKey("text-2", "hash")
    await store.cache.put_many({theirs: vectors(1, 8, TEXT_MODEL).values})
    with server.admin() as client:
        client.rename(cache_key(theirs), cache_key(mine))
    assert await store.cache.get_many([mine], 8) == {}


async def test_a_key_of_another_type_is_a_miss(store: Store, server: ValkeyProcess) -> None:
    await store.cache.put_many(cache_values(2))
    with server.admin() as client:
        client.delete(cache_key(cache_keys(2)[0]))
        client.hset(cache_key(cache_keys(2)[0]), "a", "b")
    assert set(await store.cache.get_many(cache_keys(2), 8)) == {cache_keys(2)[1]}


async def test_values_expire(server: ValkeyProcess, open_store: OpenStore) -> None:
    store = open_store(server.url, cache_ttl_seconds=0.05)
    await store.cache.put_many(cache_values(2))
    await asyncio.sleep(0.1)
    assert await store.cache.get_many(cache_keys(2), 8) == {}


@pytest.mark.parametrize(("left_seconds", "renewed"), [(10, True), (95, False)])
async def test_a_hit_renews_a_value_that_has_lived_a_while(
    server: ValkeyProcess, left_seconds: int, renewed: bool, open_store: OpenStore
) -> None:
    store = open_store(server.url, cache_ttl_seconds=100)
    await store.cache.put_many(cache_values(1))
    with server.admin() as client:
        name = cache_key(cache_keys(1)[0])
        assert 99 <= client.ttl(name) <= 100
        client.expire(name, left_seconds)
        await store.cache.get_many(cache_keys(1), 8)
        assert (client.ttl(name) >= 99) == renewed


async def test_a_cache_that_is_gone_misses_and_says_so_once(
    server: ValkeyProcess, caplog: pytest.LogCaptureFixture, open_store: OpenStore
) -> None:
    store = open_store(server.url, cache_url="redis://127.0.0.1:1/0")
    started = time.monotonic()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert await store.cache.get_many(cache_keys(3), 8) == {}
            assert await store.cache.put_many(cache_values(3)) == 0
    assert time.monotonic() - started < 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_a_cache_of_its_own_holds_only_embeddings(server: ValkeyProcess, open_store: OpenStore) -> None:
    store = open_store(server.url, cache_url="redis://127.0.0.1:1/0")
    await store.namespaces.ensure("shop")
    assert await store.cache.put_many(cache_values(1)) == 0
    assert [namespace.name for namespace in await store.namespaces.all()] == ["shop"]
