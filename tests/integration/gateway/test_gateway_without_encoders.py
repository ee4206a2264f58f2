"""What a gateway does while an encoder is away, slow, or answers what it can't know."""

import pytest

from modalmesh.errors import Unavailable
from modalmesh.types import Item, Picture, Video
from tests.integration.gateway.meshes import Mesh, running_mesh, until, until_answer
from tests.integration.gateway.shop import SHOP, rating
from tests.valkey import ValkeyProcess

NEW_MUG = Item("new-mug", "new mug", pictures=[Picture(b"green dots")])


async def test_without_the_text_encoder_an_item_goes_in_with_its_text_pending(mesh: Mesh) -> None:
    await mesh.text_server.stop()
    summary = await mesh.client.upsert_items([NEW_MUG])
    stored = await mesh.client.get_item("new-mug")
    (counted,) = (await mesh.client.status()).namespaces
    assert (summary.created, summary.pending, stored.pending) == (1, 1, ("text",))
    assert (counted.with_text, counted.with_image, counted.pending) == (0, 1, 1)


async def test_without_the_image_encoder_an_item_goes_in_with_its_image_pending(mesh: Mesh) -> None:
    await mesh.image_server.stop()
    summary = await mesh.client.upsert_items([NEW_MUG])
    found = await mesh.client.search_items(text="new mug", k=1)
    assert (summary.created, summary.pending, (await mesh.client.get_item("new-mug")).pending) == (1, 1, ("image",))
    assert [item.item_id for item in found.items] == ["new-mug"]


async def test_texts_are_completed_by_themselves_when_their_encoder_comes_back(mesh: Mesh) -> None:
    await mesh.text_server.stop()
    await mesh.client.upsert_items([NEW_MUG, *SHOP])
    await mesh.text_server.start()
    await mesh.until_completed()
    found = await mesh.client.search_items(text="new mug", k=1)
    stored = await mesh.client.get_item("new-mug")
    assert [item.item_id for item in found.items] == ["new-mug"]
    assert (stored.pending, stored.revision) == ((), 1)


async def test_pictures_and_videos_are_completed_by_themselves_too(mesh: Mesh) -> None:
    await mesh.image_server.stop()
    clip = Item("clip", pictures=[Picture(b"stage light")], videos=[Video(b"dancing people", "clip.mp4")])
    await mesh.client.upsert_items([NEW_MUG, clip])
    await mesh.image_server.start()
    await mesh.until_completed()
    found = await mesh.client.search_items(image=b"dancing people", k=1)
    rows = {each.item_id: len(each.image) async for each in mesh.client.get_embeddings()}
    assert [item.item_id for item in found.items] == ["clip"]
    assert rows == {"new-mug": 1, "clip": 4}


async def test_without_any_encoder_since_the_start_items_go_in_and_are_completed(valkey: ValkeyProcess) -> None:
    async with running_mesh(valkey) as mesh:
        await mesh.text_server.stop()
        await mesh.image_server.stop()
        async with mesh.another_gateway() as replica:
            summary = await replica.client.upsert_items(SHOP)
            assert (summary.created, summary.pending) == (len(SHOP), len(SHOP))
            await mesh.text_server.start()
            await mesh.image_server.start()
            await replica.until_completed()
            found = await replica.client.search_items(text="desk lamp", image=b"shining steel", k=1)
            assert [item.item_id for item in found.items] == ["lamp"]


async def test_the_content_kept_for_an_encoder_is_dropped_once_it_is_encoded(mesh: Mesh) -> None:
    await mesh.image_server.stop()
    await mesh.client.upsert_items([NEW_MUG])
    assert b"1" in mesh.valkey.command("EVAL \"return #redis.call('KEYS','*content*')\" 0")
    await mesh.image_server.start()
    await mesh.until_completed()
    assert b"0" in mesh.valkey.command("EVAL \"return #redis.call('KEYS','*content*')\" 0")


async def test_a_picture_that_turns_out_to_be_broken_leaves_the_item_complete(mesh: Mesh) -> None:
    await mesh.image_server.stop()
    await mesh.client.upsert_items([Item("mug", "mug", pictures=[Picture(b"broken file")]), NEW_MUG])
    await mesh.image_server.start()
    await mesh.until_completed()
    assert (await mesh.client.get_item("mug")).pending == ()
    assert (await mesh.client.similar_items("mug")).items[0].item_id == "new-mug"


async def test_an_item_that_was_changed_while_it_waited_is_completed_as_it_is_now(mesh: Mesh) -> None:
    await mesh.text_server.stop()
    await mesh.client.upsert_items([Item("mug", "old words")])
    await mesh.client.upsert_items([Item("mug", "other words")])
    await mesh.text_server.start()
    await mesh.until_completed()
    (found,) = (await mesh.client.search_items(text="other words")).items
    assert found.score == pytest.approx(1.0, abs=1e-2)
    assert (await mesh.client.get_item("mug")).revision == 2


async def test_a_pending_item_that_is_sent_again_is_not_written_again_while_the_encoder_is_away(mesh: Mesh) -> None:
    await mesh.text_server.stop()
    await mesh.client.upsert_items([NEW_MUG])
    again = await mesh.client.upsert_items([NEW_MUG])
    assert (again.unchanged, again.updated, again.pending) == (1, 0, 1)
    assert (await mesh.client.get_item("new-mug")).revision == 1


async def test_an_update_without_the_encoder_does_not_show_the_old_words_vectors(shop: Mesh) -> None:
    await shop.text_server.stop()
    await shop.client.upsert_items([Item("lamp", "garden chair", pictures=[Picture(b"shining steel")])])
    assert (await shop.client.get_item("lamp")).pending == ("text",)
    await shop.text_server.start()
    await shop.until_completed()
    (chair,) = (await shop.client.search_items(text="garden chair", k=1)).items
    assert (chair.item_id, chair.title) == ("lamp", "garden chair")


async def test_search_by_a_modality_whose_encoder_is_away_is_unavailable(shop: Mesh) -> None:
    await shop.image_server.stop()
    with pytest.raises(Unavailable) as refused:
        await shop.client.search_items(image=b"never seen", timeout=0.9)
    assert (refused.value.part, refused.value.retry_after > 0) == ("image-encoder", True)


async def test_search_by_both_goes_on_with_the_other_and_says_so(shop: Mesh) -> None:
    await shop.image_server.stop()
    answer = await shop.client.search_items(text="desk lamp", image=b"never seen", k=1)
    assert [item.item_id for item in answer.items] == ["lamp"]
    assert [lack.part for lack in answer.served.lacked] == ["image-encoder"]


async def test_a_query_that_was_encoded_before_needs_no_encoder(shop: Mesh) -> None:
    await shop.client.search_items(text="desk lamp", k=1)
    await shop.text_server.stop()
    answer = await shop.client.search_items(text="desk lamp", k=1)
    assert ([item.item_id for item in answer.items], answer.served.lacked) == (["lamp"], ())


async def test_readers_do_not_need_an_encoder(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    await shop.text_server.stop()
    await shop.image_server.stop()
    for answer in (await shop.client.recommend("ada", k=3), await shop.client.similar_items("red-mug", k=3)):
        assert (len(answer.items), answer.served.lacked) == (3, ())


async def test_a_slow_encoder_does_not_hold_up_a_search_for_longer_than_its_share(valkey: ValkeyProcess) -> None:
    async with running_mesh(valkey, part_seconds=0.3) as mesh:
        await mesh.client.upsert_items(SHOP)
        mesh.text.gate.shut()
        answer = await mesh.client.search_items(text="never heard", image=b"shining steel", k=1, timeout=5.0)
        await until(lambda: mesh.text.gate.waiting == 0)
    assert [item.item_id for item in answer.items] == ["lamp"]
    assert [(lack.part, lack.reason) for lack in answer.served.lacked] == [("text-encoder", "TIMEOUT")]


async def test_an_encoder_that_takes_too_long_leaves_its_modality_pending_until_it_is_faster(
    valkey: ValkeyProcess,
) -> None:
    async with running_mesh(valkey, encode_seconds=0.3) as mesh:
        mesh.text.gate.shut()
        summary = await mesh.client.upsert_items([NEW_MUG])
        assert (summary.created, summary.pending) == (1, 1)
        mesh.text.gate.open()
        await mesh.until_completed()
        assert (await mesh.client.get_item("new-mug")).pending == ()


async def test_many_pending_items_are_all_completed(mesh: Mesh) -> None:
    await mesh.text_server.stop()
    items = [Item(f"item {n}", f"title {n}", pictures=[Picture(b"look %d" % n)]) for n in range(300)]
    assert (await mesh.client.upsert_items(items)).pending == 300
    await mesh.text_server.start()
    await until_answer(mesh.client.status, lambda status: status.namespaces[0].with_text == 300)
    await mesh.until_completed()
    assert len(mesh.text.encoded) == 300
