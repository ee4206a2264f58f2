import pytest

from modalmesh.errors import InvalidInput, NotFound
from modalmesh.types import Item, Lack, RankedItems
from tests.integration.gateway.meshes import Mesh


def ids(answer: RankedItems) -> list[str]:
    return [item.item_id for item in answer.items]


async def test_alike_by_text_is_who_says_the_same(shop: Mesh) -> None:
    answer = await shop.client.similar_items("red-mug", k=10, by="text")
    assert ids(answer)[0] == "blue-mug"
    assert sorted(ids(answer)) == ["blue-mug", "bulb", "lamp", "red-cup"]
    assert (answer.served.served_by, answer.served.lacked) == ("retrieval", ())


async def test_alike_by_image_is_who_looks_the_same(shop: Mesh) -> None:
    answer = await shop.client.similar_items("red-mug", k=10, by="image")
    assert answer.items[0].item_id == "red-cup"
    assert answer.items[0].score == pytest.approx(1.0, abs=1e-5)
    assert sorted(ids(answer)) == ["blue-mug", "lamp", "poster", "red-cup"]


async def test_alike_by_the_fused_vector_counts_both(shop: Mesh) -> None:
    answer = await shop.client.similar_items("red-mug", k=10)
    assert set(ids(answer)[:2]) == {"blue-mug", "red-cup"}
    assert sorted(ids(answer)) == ["blue-mug", "bulb", "lamp", "poster", "red-cup"]


async def test_an_item_without_pictures_is_like_none_by_image_and_says_so(shop: Mesh) -> None:
    answer = await shop.client.similar_items("bulb", by="image")
    assert (answer.items, answer.served.lacked) == ((), (Lack("image", "NO_VECTOR"),))


async def test_similar_to_nothing_is_not_found(shop: Mesh) -> None:
    with pytest.raises(NotFound) as refused:
        await shop.client.similar_items("nothing")
    assert refused.value.reason == "UNKNOWN_ITEM"


async def test_words_find_what_says_them(shop: Mesh) -> None:
    answer = await shop.client.search_items(text="lamp desk", k=2)
    assert ids(answer) == ["lamp", "bulb"]
    assert (answer.items[0].title, answer.served.lacked) == ("desk lamp", ())


async def test_a_picture_finds_what_looks_like_it(shop: Mesh) -> None:
    answer = await shop.client.search_items(image=b"waves blue", k=2)
    assert ids(answer) == ["poster", "blue-mug"]


async def test_words_and_a_picture_find_what_stands_out_in_both(shop: Mesh) -> None:
    words = await shop.client.search_items(text="mug for tea", k=1)
    answer = await shop.client.search_items(text="mug for tea", image=b"blue dots", k=10)
    picture = await shop.client.search_items(text="mug for tea", image=b"red stripes", k=10)
    assert (ids(answer)[0], ids(picture)[0]) == ("blue-mug", "red-mug")
    assert ids(words)[0] in {"blue-mug", "red-mug"}
    assert len(answer.items) == 6


async def test_the_query_is_encoded_once_and_then_remembered(shop: Mesh) -> None:
    shop.text.encoded.clear()
    first = await shop.client.search_items(text="something new")
    again = await shop.client.search_items(text="something new")
    assert shop.text.encoded == ["something new"]
    assert ids(first) == ids(again)


async def test_a_picture_that_cannot_be_decoded_is_named(shop: Mesh) -> None:
    with pytest.raises(InvalidInput) as refused:
        await shop.client.search_items(image=b"broken file")
    assert (refused.value.field, refused.value.reason) == ("image", "NOT_ENCODABLE")


async def test_pictures_among_items_without_any_find_nothing_and_say_so(mesh: Mesh) -> None:
    await mesh.client.upsert_items([Item("lamp", "desk lamp")])
    answer = await mesh.client.search_items(image=b"red stripes")
    assert (answer.items, answer.served.lacked) == ((), (Lack("image", "NO_VECTOR"),))


async def test_a_new_title_is_found_and_the_old_one_no_more(shop: Mesh) -> None:
    await shop.client.upsert_items([Item("lamp", "garden chair")])
    chair = await shop.client.search_items(text="garden chair", k=1)
    lamp = await shop.client.search_items(text="desk lamp", k=1)
    assert (ids(chair), ids(lamp)) == (["lamp"], ["bulb"])
