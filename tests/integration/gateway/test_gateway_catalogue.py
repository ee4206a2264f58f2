import numpy as np
import pytest

from modalmesh.embeddings import Dtype
from modalmesh.errors import InvalidInput, NotFound
from modalmesh.item_embeddings import ItemEmbeddings
from modalmesh.types import Item, Picture, Video
from modalmesh.v1 import recommender_service_pb2 as pb
from tests.fakes import IMAGE_DIM, TEXT_DIM, word_vector
from tests.integration.gateway.meshes import Mesh, until_answer
from tests.integration.gateway.shop import SHOP, rating


async def embeddings(mesh: Mesh, dtype: Dtype = Dtype.F32) -> dict[str, ItemEmbeddings]:
    return {each.item_id: each async for each in mesh.client.get_embeddings(dtype=dtype)}


async def page(mesh: Mesh, size: int, token: str = "") -> pb.ListItemsResponse:
    request = pb.ListItemsRequest(namespace="shop", page_size=size, page_token=token)
    response: pb.ListItemsResponse = await mesh.stub.ListItems(request)
    return response


async def test_embeddings_are_those_of_the_encoders_field_by_field(mesh: Mesh) -> None:
    item = Item("mug", "red mug", tags=("tea", "new"), pictures=[Picture(b"red stripes", kind="frame")], time_ms=7)
    await mesh.client.upsert_items([item])
    mug = (await embeddings(mesh))["mug"]
    assert (list(mug.text_fields), list(mug.image_kinds), mug.time_ms) == (["title", "tags"], ["frame"], 7)
    np.testing.assert_allclose(mug.text[0], word_vector("red mug", TEXT_DIM, "first"), atol=1e-3)
    np.testing.assert_allclose(mug.image[0], word_vector("red stripes", IMAGE_DIM, "first"), atol=1e-3)


async def test_embeddings_name_the_space_that_they_are_of(shop: Mesh) -> None:
    models = {service.name: service.model for service in (await shop.client.status()).services}
    found = await embeddings(shop)
    assert models["text-encoder"] is not None
    fingerprints = {each.text_model.fingerprint for each in found.values() if len(each.text)}
    assert fingerprints == {models["text-encoder"].fingerprint}
    assert {each.image_model.fingerprint for each in found.values() if len(each.image)} == {"first"}


async def test_embeddings_say_which_modality_is_missing(shop: Mesh) -> None:
    found = await embeddings(shop)
    assert sorted(found) == sorted(item.item_id for item in SHOP)
    assert (found["bulb"].missing, found["bulb"].image.shape[0]) == (("image",), 0)
    assert (found["poster"].missing, found["poster"].text.shape[0]) == (("text",), 0)


@pytest.mark.parametrize(
    ("dtype", "error"), [(Dtype.F32, 1e-3), (Dtype.F16, 1e-3), (Dtype.BF16, 1e-2), (Dtype.I8, 1e-2)]
)
async def test_embeddings_come_in_the_precision_asked_for(shop: Mesh, dtype: Dtype, error: float) -> None:
    lamp = (await embeddings(shop, dtype))["lamp"]
    np.testing.assert_allclose(lamp.text[0], word_vector("desk lamp", TEXT_DIM, "first"), atol=error)


async def test_embeddings_of_a_catalogue_come_in_several_messages(mesh: Mesh) -> None:
    await mesh.client.upsert_items([Item(f"item {n}", f"title {n}") for n in range(600)])
    messages = [each async for each in mesh.stub.GetEmbeddings(pb.GetEmbeddingsRequest(namespace="shop"))]
    ids = [item.item_id for message in messages for item in message.items]
    assert len(messages) > 1
    assert sorted(ids) == sorted(f"item {n}" for n in range(600))


async def test_embeddings_of_a_video_are_one_a_frame(mesh: Mesh) -> None:
    await mesh.client.upsert_items([Item("clip", "dancers", videos=[Video(b"dancing people", "clip.mp4")])])
    clip = (await embeddings(mesh))["clip"]
    assert (clip.image.shape, set(clip.image_kinds)) == ((3, IMAGE_DIM), {"frame"})


async def test_pages_hold_as_many_as_asked_for_and_the_last_has_no_token(shop: Mesh) -> None:
    first = await page(shop, 4)
    last = await page(shop, 4, first.next_page_token)
    assert (len(first.items), len(last.items), last.next_page_token) == (4, 2, "")
    assert {item.item_id for item in (*first.items, *last.items)} == {item.item_id for item in SHOP}


async def test_a_page_that_ends_with_the_last_item_is_the_last(shop: Mesh) -> None:
    assert (await page(shop, len(SHOP))).next_page_token == ""


async def test_deleting_and_adding_move_no_other_item_between_pages(mesh: Mesh) -> None:
    await mesh.client.upsert_items([Item(f"item {n}", "title") for n in range(40)])
    first = await page(mesh, 20)
    await mesh.client.delete_items([item.item_id for item in first.items[:10]])
    await mesh.client.upsert_items([Item(f"new {n}", "title") for n in range(20)])
    rest = await page(mesh, 1000, first.next_page_token)
    listed = {item.item_id for item in (*first.items, *rest.items)}
    assert listed >= {f"item {n}" for n in range(40)}
    assert not {item.item_id for item in first.items} & {item.item_id for item in rest.items}


async def test_a_token_that_is_none_is_refused(shop: Mesh) -> None:
    await shop.client.upsert_items(SHOP)
    shop.client.namespace = "other"
    await shop.client.upsert_items(SHOP)
    token = (await page(shop, 2)).next_page_token
    for namespace, wrong in (("shop", "nonsense"), ("shop", token[:-2]), ("other", token)):
        with pytest.raises(Exception, match="page_token"):
            await shop.stub.ListItems(pb.ListItemsRequest(namespace=namespace, page_token=wrong))


async def test_deleting_says_what_was_there_and_what_not(shop: Mesh) -> None:
    summary = await shop.client.delete_items(["lamp", "nothing", "bulb", "none"])
    again = await shop.client.delete_items(["lamp"])
    assert (summary.deleted, summary.unknown) == (2, ("nothing", "none"))
    assert (again.deleted, again.unknown) == (0, ("lamp",))


async def test_a_deleted_item_is_neither_recommended_nor_ranked_nor_found(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug"), rating("bob", "blue-mug")])
    await shop.client.delete_items(["blue-mug"])
    recommended = await shop.client.recommend("ada", k=10)
    ranked = await shop.client.rank(["blue-mug", "lamp"], "ada")
    found = await shop.client.search_items(text="blue mug for tea", image=b"blue dots", k=10)
    assert ranked.unknown == ("blue-mug",)
    for answer in (recommended, ranked, found, await shop.client.similar_items("red-mug", k=10)):
        assert "blue-mug" not in {item.item_id for item in answer.items}
    assert "blue-mug" not in await embeddings(shop)


async def test_a_history_keeps_what_was_deleted(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug"), rating("ada", "lamp", after_ms=1)])
    await shop.client.delete_items(["lamp"])
    answer = await shop.client.recommend("ada", k=10)
    assert (await shop.client.get_history("ada")).seen_items == 2
    assert (answer.served.served_by, len(answer.items)) == ("rank", 4)


async def test_an_item_that_comes_again_goes_on_counting_its_revisions_and_its_likes(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "lamp")])
    await shop.client.delete_items(["lamp"])
    with pytest.raises(NotFound):
        await shop.client.get_item("lamp")
    await shop.client.upsert_items([Item("lamp", "floor lamp")])
    answer = await until_answer(lambda: shop.client.recommend("bob", k=1), lambda answer: answer.items[0].score == 1.0)
    assert (answer.items[0].item_id, answer.items[0].title) == ("lamp", "floor lamp")
    assert (await shop.client.get_item("lamp")).revision == 2


async def test_a_namespace_is_a_catalogue_of_its_own(shop: Mesh) -> None:
    shop.client.namespace = "other"
    await shop.client.upsert_items([Item("lamp", "another lamp"), Item("desk", "desk")])
    found = await shop.client.search_items(text="lamp", k=10)
    assert {item.title for item in found.items} == {"another lamp", "desk"}
    assert (await shop.client.get_history("ada")).seen_items == 0
    assert [each.items for each in (await shop.client.status()).namespaces] == [2, len(SHOP)]


async def test_an_empty_list_of_ids_is_refused(shop: Mesh) -> None:
    with pytest.raises(InvalidInput) as refused:
        await shop.client.delete_items([])
    assert (refused.value.field, refused.value.reason) == ("item_ids", "EMPTY")
