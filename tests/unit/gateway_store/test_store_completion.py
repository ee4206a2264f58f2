"""What was pending is completed, compared with what is stored; a new ranker's vectors beside the old ones."""

import asyncio
from dataclasses import replace

import pytest

from modalmesh.embeddings import Embeddings, ModelId
from modalmesh_gateway.store import ItemRecord, Store
from tests.unit.gateway_store.builders import RANKER, full_record, text_tokens, vectors, waiting_record

CONTENTS = {"p1": b"jpeg", "v1": b"mp4"}


async def get_lamp(store: Store) -> ItemRecord:
    return (await store.catalogue.get("shop", ["lamp"]))["lamp"]


def fused(space: str) -> Embeddings:
    return vectors(1, 20, ModelId("ranker", space))


def at_revision(record: ItemRecord, revision: int) -> ItemRecord:
    return replace(record, item=replace(record.item, revision=revision))


async def complete(store: Store, record: ItemRecord, revision: int = 1) -> bool:
    (is_completed,) = await store.catalogue.complete("shop", [at_revision(record, revision)])
    return is_completed


async def put_fused(store: Store, item_id: str, revision: int, key: str) -> bool:
    """A vector of another space."""
    record = replace(full_record(item_id), fused=fused("space-2"), fused_key=key)
    (is_put,) = await store.catalogue.put_fused("shop", [at_revision(record, revision)])
    return is_put


async def test_completing_writes_vectors_and_leaves_the_revision(store: Store) -> None:
    await store.catalogue.put("shop", [waiting_record()], CONTENTS)
    assert await complete(store, full_record())
    stored = await get_lamp(store)
    assert stored.item.revision == 1
    assert (stored.pending, stored.fused_key) == (frozenset(), "fused-key")
    assert stored.text is not None
    assert stored.image is not None


async def test_pending_items_are_listed_until_they_are_completed(store: Store) -> None:
    await store.catalogue.put("shop", [waiting_record(f"item-{number}") for number in range(20)])
    assert len(await store.catalogue.pending("shop", 5)) == 5
    await complete(store, full_record("item-3"))
    assert sorted(await store.catalogue.pending("shop", 100)) == sorted(f"item-{n}" for n in range(20) if n != 3)


async def test_contents_are_kept_for_what_is_pending_and_dropped_then(store: Store) -> None:
    await store.catalogue.put("shop", [waiting_record()], {**CONTENTS, "other": b"of another item"})
    assert await store.catalogue.contents("shop", "lamp", ["p1", "v1", "other"]) == CONTENTS
    await complete(store, waiting_record(pending=["image"]))
    assert await store.catalogue.contents("shop", "lamp", ["p1", "v1"]) == CONTENTS
    await complete(store, full_record())
    assert await store.catalogue.contents("shop", "lamp", ["p1", "v1"]) == {}


async def test_contents_of_a_picture_that_is_encoded_are_dropped_alone(store: Store) -> None:
    await store.catalogue.put("shop", [waiting_record()], CONTENTS)
    picture = full_record().image
    assert picture is not None
    half = replace(picture, content_hashes=("p1",) * 3)
    await complete(store, replace(waiting_record(), image=half))
    assert await store.catalogue.contents("shop", "lamp", ["p1", "v1"]) == {"v1": b"mp4"}


async def test_no_contents_are_kept_of_a_complete_item(store: Store) -> None:
    await store.catalogue.put("shop", [full_record()], CONTENTS)
    assert await store.catalogue.contents("shop", "lamp", ["p1", "v1"]) == {}


async def test_contents_given_before_stay_while_they_are_needed(store: Store) -> None:
    await store.catalogue.put("shop", [waiting_record()], CONTENTS)
    await store.catalogue.put("shop", [replace(waiting_record(), digest="digest-2")], {"p1": b"jpeg"})
    assert await store.catalogue.contents("shop", "lamp", ["p1", "v1"]) == CONTENTS


async def test_an_item_that_was_written_again_is_not_completed(store: Store) -> None:
    await store.catalogue.put("shop", [waiting_record()])
    await store.catalogue.put("shop", [replace(waiting_record(), digest="digest-2")])
    assert not await complete(store, full_record())
    assert (await get_lamp(store)).text is None


async def test_an_item_that_was_deleted_is_not_completed(store: Store) -> None:
    await store.catalogue.put("shop", [waiting_record()])
    await store.catalogue.delete("shop", ["lamp"])
    assert not await complete(store, full_record())
    assert await store.catalogue.count("shop") == 0


async def test_work_on_an_item_is_not_taken_for_work_on_its_successor(store: Store) -> None:
    await store.catalogue.put("shop", [waiting_record()])
    await store.catalogue.delete("shop", ["lamp"])
    await store.catalogue.put("shop", [replace(waiting_record(), digest="digest-2")])
    assert not await complete(store, full_record())
    assert not await put_fused(store, "lamp", 1, "key")


async def test_two_completions_never_undo_each_other(store: Store) -> None:
    await store.catalogue.put("shop", [waiting_record()])
    text_only, image_only = waiting_record(pending=["image"]), waiting_record(pending=["text"])
    outcomes = await asyncio.gather(*(complete(store, each) for each in (text_only, image_only)))
    assert sorted(outcomes) == [False, True]
    assert len((await get_lamp(store)).pending) == 1


async def test_a_new_rankers_vector_stands_beside_the_old_one(store: Store) -> None:
    await store.catalogue.put("shop", [full_record()])
    assert await put_fused(store, "lamp", 1, "key-2")
    stored = await get_lamp(store)
    assert stored.fused is not None
    assert (stored.fused.model.fingerprint, stored.fused_key) == ("space-2", "key-2")
    assert [older.model for older in stored.older_fused] == [RANKER]
    assert stored.item.revision == 1


@pytest.mark.parametrize(("key", "is_put"), [("key-2", True), ("key-3", False)])
async def test_a_space_takes_one_vector_an_item(store: Store, key: str, is_put: bool) -> None:
    await store.catalogue.put("shop", [full_record()])
    await put_fused(store, "lamp", 1, "key-2")
    assert await put_fused(store, "lamp", 1, key) == is_put
    assert (await get_lamp(store)).fused_key == "key-2"


@pytest.mark.parametrize(("item_id", "revision"), [("lamp", 2), ("none", 1)])
async def test_no_vector_is_put_where_the_item_is_another(store: Store, item_id: str, revision: int) -> None:
    await store.catalogue.put("shop", [full_record()])
    assert not await put_fused(store, item_id, revision, "key-2")
    assert await store.catalogue.get("shop", ["none"]) == {}


async def test_completing_with_a_new_models_vectors_keeps_the_old_space_serving(store: Store) -> None:
    await store.catalogue.put("shop", [full_record()])
    again = replace(full_record(), text=text_tokens(ModelId("minilm", "text-2")), image=None, fused=fused("space-2"))
    assert await complete(store, again)
    stored = await get_lamp(store)
    assert stored.image is None
    assert [older.model for older in stored.older_fused] == [RANKER]


async def test_many_are_written_at_once_and_each_is_told_apart(store: Store) -> None:
    await store.catalogue.put("shop", [waiting_record(f"item-{number}") for number in range(300)])
    records = [at_revision(full_record(f"item-{number}"), 1 + number % 2) for number in range(300)]
    assert await store.catalogue.complete("shop", records) == [number % 2 == 0 for number in range(300)]
    assert await store.catalogue.complete("shop", []) == []


async def test_of_many_vectors_each_is_told_apart(store: Store) -> None:
    await store.catalogue.put("shop", [full_record("lamp"), full_record("chair")])
    new = [replace(full_record(item_id), fused=fused("space-2"), fused_key="key-2") for item_id in ("lamp", "none")]
    without = replace(full_record("chair"), fused=None)
    records = [at_revision(record, 1) for record in (new[0], without, new[1])]
    assert await store.catalogue.put_fused("shop", records) == [True, False, False]


async def test_dropping_keeps_one_space(store: Store) -> None:
    await store.catalogue.put("shop", [full_record(f"item-{number}") for number in range(600)])
    await put_fused(store, "item-7", 1, "key-2")
    assert await store.catalogue.drop_fused("shop", "space-2") == 600
    records = await store.catalogue.get("shop", ["item-7", "item-8"])
    assert records["item-7"].fused is not None
    assert records["item-7"].older_fused == ()
    assert (records["item-8"].fused, records["item-8"].fused_key) == (None, "")


async def test_dropping_the_newest_leaves_the_one_kept(store: Store) -> None:
    await store.catalogue.put("shop", [full_record("lamp")])
    await put_fused(store, "lamp", 1, "key-2")
    assert await store.catalogue.drop_fused("shop", RANKER.fingerprint) == 1
    stored = await get_lamp(store)
    assert stored.fused is not None
    assert (stored.fused.model, stored.fused_key) == (RANKER, "fused-key")
