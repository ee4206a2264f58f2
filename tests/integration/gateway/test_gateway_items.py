import asyncio

import pytest

from modalmesh.errors import InvalidInput, NotFound
from modalmesh.types import Item, Picture, Video
from tests.integration.gateway.meshes import Mesh

MUG = Item("mug", "red mug", "for tea", ("kitchen",), (Picture(b"red stripes", "mug.png"),), (), {"shop": ("a",)}, -5)


async def test_an_item_comes_back_as_it_was_given_without_contents(mesh: Mesh) -> None:
    summary = await mesh.client.upsert_items([MUG])
    stored = await mesh.client.get_item("mug")
    assert (summary.created, summary.encoded_texts, summary.encoded_images, summary.pending) == (1, 3, 1, 0)
    assert (stored.title, stored.description, stored.tags) == ("red mug", "for tea", ("kitchen",))
    assert (stored.attributes, stored.time_ms, stored.revision, stored.pending) == ({"shop": ("a",)}, -5, 1, ())
    assert (stored.pictures[0].name, stored.pictures[0].content) == ("mug.png", b"")
    assert stored.pictures[0].content_hash


async def test_an_unchanged_item_is_neither_encoded_nor_written(mesh: Mesh) -> None:
    await mesh.client.upsert_items([MUG])
    encoded = len(mesh.text.encoded) + len(mesh.image.encoded)
    summary = await mesh.client.upsert_items([MUG])
    assert (summary.unchanged, summary.updated, summary.encoded_texts) == (1, 0, 0)
    assert len(mesh.text.encoded) + len(mesh.image.encoded) == encoded
    assert (await mesh.client.get_item("mug")).revision == 1


async def test_a_changed_item_is_encoded_only_where_it_changed(mesh: Mesh) -> None:
    await mesh.client.upsert_items([MUG])
    mesh.text.encoded.clear()
    mesh.image.encoded.clear()
    changed = Item("mug", "blue mug", "for tea", ("kitchen",), MUG.pictures)
    summary = await mesh.client.upsert_items([changed])
    assert (summary.updated, mesh.text.encoded, mesh.image.encoded) == (1, ["blue mug"], [])
    assert (await mesh.client.get_item("mug")).revision == 2


async def test_the_same_content_is_encoded_once_within_a_call(mesh: Mesh) -> None:
    items = [Item(str(number), "same title", pictures=[Picture(b"same look")]) for number in range(20)]
    summary = await mesh.client.upsert_items(items)
    assert (summary.created, summary.encoded_texts, summary.encoded_images) == (20, 1, 1)
    assert (mesh.text.encoded, mesh.image.encoded) == (["same title"], ["same look"])


async def test_the_same_content_is_encoded_once_among_calls_in_flight(mesh: Mesh) -> None:
    mesh.text.delay_seconds = 0.2
    calls = [mesh.client.upsert_items([Item(str(number), "same title")]) for number in range(5)]
    summaries = await asyncio.gather(*calls)
    assert sum(summary.created for summary in summaries) == 5
    assert mesh.text.encoded == ["same title"]


async def test_a_call_that_leaves_does_not_strand_those_who_wait_for_the_same_content(mesh: Mesh) -> None:
    mesh.text.delay_seconds = 0.3
    leaving = asyncio.create_task(mesh.client.upsert_items([Item("a", "same title")]))
    await asyncio.sleep(0.1)
    staying = asyncio.create_task(mesh.client.upsert_items([Item("b", "same title")]))
    await asyncio.sleep(0.1)
    leaving.cancel()
    summary = await staying
    assert (summary.created, summary.pending) == (1, 0)
    assert (await mesh.client.get_item("b")).pending == ()


async def test_every_frame_of_a_video_counts(mesh: Mesh) -> None:
    summary = await mesh.client.upsert_items([Item("clip", videos=[Video(b"dancing people", "clip.mp4")])])
    (embeddings,) = [each async for each in mesh.client.get_embeddings()]
    assert summary.created == 1
    assert (len(embeddings.image), list(embeddings.image_kinds)) == (3, ["frame"] * 3)


async def test_bad_items_are_listed_and_the_others_go_in(mesh: Mesh) -> None:
    items = [
        Item("good", "a title"),
        Item("", "no id"),
        Item("nothing"),
        Item("good", "the same id again"),
        Item("x\x00y", "control"),
        Item("long", "x" * 2_000_000),
        Item("also good", "another"),
    ]
    summary = await mesh.client.upsert_items(items)
    refused = [(each.position, each.field, each.reason) for each in summary.refused]
    assert summary.created == 2
    assert summary.refused_count == 5
    assert refused == [
        (1, "item_id", "EMPTY"),
        (2, "item", "NO_MODALITY"),
        (3, "item_id", "DUPLICATE_ID"),
        (4, "item_id", "CONTROL_CHARACTERS"),
        (5, "title", "TOO_LARGE"),
    ]


async def test_an_item_goes_in_without_the_picture_that_cannot_be_decoded(mesh: Mesh) -> None:
    item = Item("mug", "a mug", pictures=[Picture(b"fine"), Picture(b"broken file", "b.jpg")])
    first = await mesh.client.upsert_items([item])
    again = await mesh.client.upsert_items([item])
    assert [(each.id, each.field, each.reason) for each in first.refused] == [
        ("mug", "pictures[1].content", "NOT_ENCODABLE")
    ]
    assert [picture.name for picture in (await mesh.client.get_item("mug")).pictures] == [""]
    assert (again.unchanged, again.refused_count) == (1, 1)


async def test_an_item_of_nothing_but_a_broken_picture_is_refused(mesh: Mesh) -> None:
    summary = await mesh.client.upsert_items([Item("mug", pictures=[Picture(b"broken file")])])
    assert (summary.created, {each.reason for each in summary.refused}) == (0, {"NOT_ENCODABLE", "NO_MODALITY"})
    with pytest.raises(NotFound):
        await mesh.client.get_item("mug")


async def test_listing_walks_through_every_item_once(mesh: Mesh) -> None:
    await mesh.client.upsert_items([Item(str(number), f"title {number}") for number in range(230)])
    listed = [item.item_id async for item in mesh.client.list_items()]
    assert sorted(listed, key=int) == [str(number) for number in range(230)]


async def test_a_deleted_item_is_gone_everywhere(mesh: Mesh) -> None:
    await mesh.client.upsert_items([Item("a", "red mug"), Item("b", "red cup")])
    summary = await mesh.client.delete_items(["a", "nobody"])
    assert (summary.deleted, summary.unknown) == (1, ("nobody",))
    with pytest.raises(NotFound):
        await mesh.client.get_item("a")
    found = await mesh.client.search_items(text="red", k=5)
    assert [item.item_id for item in found.items] == ["b"]


async def test_an_item_is_there_once_its_upsert_is_answered_also_as_the_first_of_its_namespace(mesh: Mesh) -> None:
    for number in range(30):
        mesh.client.namespace = f"shop-{number}"
        await mesh.client.upsert_items([MUG, Item("cup", "red cup")])
        assert [item.item_id for item in (await mesh.client.similar_items("mug")).items] == ["cup"]


async def test_an_unknown_namespace_is_named(mesh: Mesh) -> None:
    with pytest.raises(NotFound, match="there is no namespace 'shop'"):
        await mesh.client.recommend("somebody")


async def test_a_namespace_that_is_none_is_refused_by_name(mesh: Mesh) -> None:
    mesh.client.namespace = "No Such!"
    with pytest.raises(InvalidInput) as refused:
        await mesh.client.get_item("a")
    assert refused.value.field == "namespace"
