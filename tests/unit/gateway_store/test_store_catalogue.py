"""Items written, read, repeated, deleted."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from modalmesh.embeddings import ModelId
from modalmesh.errors import InternalError
from modalmesh.types import Item, Picture
from modalmesh_gateway.store import ItemRecord, PutResult, Store, StoredDigest, TokenVectors
from modalmesh_gateway.store.keys import ItemSlot, partition_of
from tests.unit.gateway_store.builders import (
    full_item,
    full_record,
    image_tokens,
    text_tokens,
    vectors,
    waiting_record,
)
from tests.unit.gateway_store.conftest import ValkeyProcess


async def put_one(store: Store, record: ItemRecord) -> PutResult:
    (result,) = await store.catalogue.put("shop", [record])
    return result


async def get_one(store: Store, item_id: str = "lamp") -> ItemRecord:
    return (await store.catalogue.get("shop", [item_id]))[item_id]


def assert_same_tokens(stored: TokenVectors | None, given: TokenVectors | None) -> None:
    assert stored is not None
    assert given is not None
    assert (stored.labels, stored.content_hashes) == (given.labels, given.content_hashes)
    assert stored.embeddings.model == given.embeddings.model
    assert np.allclose(stored.embeddings.values, given.embeddings.values, atol=3e-4)


async def test_every_field_comes_back(store: Store) -> None:
    record = full_record()
    assert await put_one(store, record) == PutResult("created", 1)
    stored = await get_one(store)
    assert stored.item == replace(record.item, revision=1)
    assert (stored.digest, stored.fused_key, stored.pending) == ("digest-1", "fused-key", frozenset())
    assert_same_tokens(stored.text, record.text)
    assert_same_tokens(stored.image, record.image)
    assert stored.fused is not None
    assert record.fused is not None
    assert stored.fused.model == record.fused.model
    assert np.allclose(stored.fused.values, record.fused.values, atol=3e-4)


async def test_an_item_with_almost_nothing_comes_back(store: Store) -> None:
    record = ItemRecord(Item("bare"), "d", None, None, None, "", frozenset())
    await put_one(store, record)
    assert await get_one(store, "bare") == replace(record, item=Item("bare", revision=1))


async def test_pending_modalities_are_said_in_the_item_too(store: Store) -> None:
    await put_one(store, waiting_record())
    stored = await get_one(store)
    assert stored.pending == {"text", "image"}
    assert stored.item.pending == ("image", "text")


async def test_contents_of_pictures_are_not_stored_in_the_item(store: Store) -> None:
    item = replace(full_item("lamp"), pictures=(Picture(b"jpeg bytes", "lamp.jpg", content_hash="p1"),))
    await put_one(store, replace(full_record(), item=item))
    assert (await get_one(store)).item.pictures == (Picture(b"", "lamp.jpg", content_hash="p1"),)


@pytest.mark.parametrize("item_id", ["{", "}{", "a:b", " ", "%7B", "❤", "x" * 512, "item:ids"])
async def test_ids_may_hold_any_characters(store: Store, item_id: str) -> None:
    await put_one(store, full_record(item_id))
    assert (await get_one(store, item_id)).item.item_id == item_id
    assert [record.item.item_id for record in (await store.catalogue.page("shop", 10, ""))[0]] == [item_id]
    assert await store.catalogue.delete("shop", [item_id]) == {item_id}


async def test_namespaces_may_hold_any_characters_and_share_nothing(store: Store) -> None:
    names = ["shop", "shop:i:0", "}", "{shop}", "sh op", "%7D"]
    for name in names:
        await store.catalogue.put(name, [full_record(digest=name)])
    digests = [(await store.catalogue.digests(name, ["lamp"]))["lamp"].digest for name in names]
    assert digests == names


async def test_the_same_record_again_changes_nothing(store: Store, server: ValkeyProcess) -> None:
    await put_one(store, full_record())
    with server.admin() as client:
        before = {key: client.dump(key) for key in client.scan_iter()}
        assert await put_one(store, full_record()) == PutResult("unchanged", 1)
        assert {key: client.dump(key) for key in client.scan_iter()} == before


async def test_another_digest_is_another_revision(store: Store) -> None:
    await put_one(store, full_record())
    assert await put_one(store, full_record(digest="digest-2")) == PutResult("updated", 2)
    assert await store.catalogue.digests("shop", ["lamp", "none"]) == {"lamp": StoredDigest(2, "digest-2", frozenset())}


async def test_an_update_leaves_nothing_of_what_was_before(store: Store) -> None:
    await put_one(store, full_record())
    await put_one(store, replace(full_record(digest="digest-2"), image=None, fused=None, fused_key=""))
    stored = await get_one(store)
    assert (stored.image, stored.fused, stored.fused_key, stored.older_fused) == (None, None, "", ())


async def test_the_same_content_completed_is_written(store: Store) -> None:
    await put_one(store, waiting_record(pending=["image"]))
    assert await put_one(store, full_record()) == PutResult("updated", 2)
    assert (await get_one(store)).pending == frozenset()


async def test_the_same_content_never_loses_what_is_stored(store: Store) -> None:
    await put_one(store, full_record())
    assert await put_one(store, waiting_record(pending=["image"])) == PutResult("unchanged", 1)
    assert (await get_one(store)).image is not None


@pytest.mark.parametrize(
    "record",
    [
        replace(full_record(), text=text_tokens(ModelId("minilm", "text-2"))),
        replace(full_record(), image=image_tokens(ModelId("lite0", "image-2"))),
        replace(full_record(), fused=vectors(1, 20, ModelId("zero-shot", "space-2"))),
    ],
    ids=["text", "image", "fused"],
)
async def test_the_same_content_in_a_new_models_vectors_is_written(store: Store, record: ItemRecord) -> None:
    await put_one(store, full_record())
    assert await put_one(store, record) == PutResult("updated", 2)
    assert await put_one(store, record) == PutResult("unchanged", 2)


async def test_two_writers_of_the_same_content_make_one_revision(store: Store) -> None:
    results = await asyncio.gather(*(put_one(store, full_record()) for _ in range(8)))
    assert sorted(result.outcome for result in results) == ["created"] + ["unchanged"] * 7
    assert {result.revision for result in results} == {1}


async def test_two_writers_of_different_contents_make_two_revisions(store: Store) -> None:
    results = await asyncio.gather(*(put_one(store, full_record(digest=f"digest-{n}")) for n in range(8)))
    assert sorted(result.revision for result in results) == list(range(1, 9))
    last = max(range(8), key=lambda n: results[n].revision)
    assert (await get_one(store)).digest == f"digest-{last}"


async def test_a_batch_is_answered_in_order(store: Store) -> None:
    await put_one(store, full_record("item-700"))
    results = await store.catalogue.put("shop", [full_record(f"item-{number}") for number in range(1000)])
    assert [number for number, result in enumerate(results) if result.outcome == "unchanged"] == [700]
    assert await store.catalogue.count("shop") == 1000


async def test_an_item_twice_in_a_batch_is_written_in_order(store: Store) -> None:
    results = await store.catalogue.put("shop", [full_record(), full_record(digest="digest-2")])
    assert [result.outcome for result in results] == ["created", "updated"]


async def test_deleted_items_are_gone_from_everywhere(store: Store, server: ValkeyProcess) -> None:
    await store.catalogue.put("shop", [waiting_record()], {"p1": b"jpeg", "v1": b"mp4"})
    assert await store.catalogue.delete("shop", ["lamp", "none", "lamp"]) == {"lamp"}
    assert await store.catalogue.get("shop", ["lamp"]) == {}
    assert await store.catalogue.pending("shop", 10) == []
    assert await store.catalogue.count("shop") == 0
    with server.admin() as client:
        assert not [key for key in client.scan_iter() if b":item:" in key or b":contents:" in key]


async def test_an_item_that_comes_again_goes_on_counting(store: Store, server: ValkeyProcess) -> None:
    await put_one(store, full_record())
    await store.catalogue.delete("shop", ["lamp"])
    with server.admin() as client:
        (gone,) = client.keys("*:gone:lamp")
        assert 0 < client.ttl(gone) <= 24 * 3600
    assert await put_one(store, full_record()) == PutResult("created", 2)


async def test_scanning_finds_every_item_once(store: Store) -> None:
    ids = [f"item-{number}" for number in range(1100)]
    await store.catalogue.put("shop", [full_record(item_id) for item_id in ids])
    chunks = [[record.item.item_id for record in chunk] async for chunk in store.catalogue.scan("shop")]
    assert sorted(item_id for chunk in chunks for item_id in chunk) == sorted(ids)
    assert max(map(len, chunks)) <= 256


async def test_an_unknown_namespace_is_empty(store: Store) -> None:
    catalogue = store.catalogue
    assert await catalogue.digests("none", ["lamp"]) == {}
    assert await catalogue.get("none", ["lamp"]) == {}
    assert await catalogue.delete("none", ["lamp"]) == set()
    assert await catalogue.page("none", 10, "") == ([], "")
    assert await catalogue.contents("none", "lamp", ["p1"]) == {}
    assert await catalogue.count("none") == 0
    assert [chunk async for chunk in catalogue.scan("none")] == []
    assert await store.namespaces.all() == []


async def test_a_broken_record_is_named(store: Store, server: ValkeyProcess) -> None:
    await put_one(store, full_record())
    with server.admin() as client:
        client.hset(ItemSlot.of("shop", partition_of("lamp", 4)).item("lamp"), "text", b"torn")
    with pytest.raises(InternalError, match="'lamp' is broken"):
        await get_one(store)
