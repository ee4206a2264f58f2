"""Explain names words and regions on request."""

import math
from dataclasses import replace
from typing import Any

import pytest

from modalmesh.errors import InvalidInput, TooLarge
from modalmesh.types import Explanation, Explanations, Item, Picture
from tests.integration.gateway.meshes import Mesh, until_answer
from tests.integration.gateway.shop import BLUE_MUG, RED_CUP, rating

# Enough that are close to what is liked for what all candidates have in common not to hang on one of them.
WORDS = ("mug", "tea", "desk", "for")
OTHERS = [
    Item(f"other-{n}", f"{WORDS[n % 4]} {WORDS[n // 4 % 4]} sort{n}", pictures=[Picture(f"shape{n} hue{n}".encode())])
    for n in range(60)
]


@pytest.fixture
async def liked(shop: Mesh) -> Mesh:
    await shop.client.upsert_items(OTHERS)
    await shop.client.record_events([rating("ada", "red-mug"), rating("ada", "lamp", after_ms=1)])
    return shop


async def explained(mesh: Mesh, item_id: str, **wanted: Any) -> Explanation:
    (explanation,) = (await mesh.client.explain("ada", [item_id], **wanted)).explanations
    return explanation


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def share_of(explanation: Explanation, name: str) -> float:
    return next(signal.share for signal in explanation.signals if signal.signal == name)


async def test_the_shares_of_words_add_up_to_the_texts(liked: Mesh) -> None:
    each = await explained(liked, "blue-mug", words=True)
    assert [(word.field, word.text) for word in each.words] == [
        ("title", "blue"),
        ("title", "mug"),
        ("title", "for"),
        ("title", "tea"),
    ]
    assert sum(word.share for word in each.words) == pytest.approx(share_of(each, "text"))
    assert each.words_fit == pytest.approx(1.0)
    assert not each.regions


async def test_words_have_their_place_in_their_field(liked: Mesh) -> None:
    item = Item("set", "a mug", "two of them, for tea", tags=["blue", "for two"])
    await liked.client.upsert_items([item])
    each = await explained(liked, "set", words=True)
    texts = item.text_fields()
    assert {word.field for word in each.words} == {"title", "description", "tags"}
    assert [texts[word.field][word.start : word.end] for word in each.words] == [word.text for word in each.words]


async def test_the_score_really_falls_by_what_is_said_when_the_word_is_gone(liked: Mesh) -> None:
    each = await explained(liked, "blue-mug", words=True)
    for word in each.words[1:]:
        title = BLUE_MUG.title[: word.start] + BLUE_MUG.title[word.end :]
        await liked.client.upsert_items([replace(BLUE_MUG, title=title)])
        without = (await explained(liked, "blue-mug")).probability
        # The others' statistics know the item too, and so change a little.
        assert logit(each.probability) - logit(without) == pytest.approx(word.contribution, rel=0.1)


async def test_the_shares_of_regions_add_up_to_the_pictures(liked: Mesh) -> None:
    each = await explained(liked, "red-cup", regions=True, pictures=[b"red stripes"])
    assert [(region.picture, region.left, region.right) for region in each.regions] == [(0, 0.0, 0.5), (0, 0.5, 1.0)]
    assert sum(region.share for region in each.regions) == pytest.approx(share_of(each, "image"))
    assert each.regions_fit == pytest.approx(1.0)
    assert not each.words


async def test_a_region_that_is_like_what_was_liked_speaks_for_the_item(liked: Mesh) -> None:
    await liked.client.upsert_items([Item("cup", pictures=[Picture(b"blue waves"), Picture(b"stripes green")])])
    each = await explained(liked, "cup", regions=True, pictures=[b"stripes green", b"blue waves"])
    stripes = next(region for region in each.regions if region.picture == 0 and region.left == 0.0)
    assert {region.picture for region in each.regions} == {0, 1}
    assert max(each.regions, key=lambda region: region.contribution) == stripes


async def test_the_sentence_names_words_and_region(liked: Mesh) -> None:
    each = await explained(liked, "red-cup", words=True, regions=True, pictures=[b"red stripes"])
    assert "Of its words, “red”" in each.sentence or "Of its picture, the " in each.sentence
    assert each.sentence.startswith((await explained(liked, "red-cup")).sentence)


async def test_several_items_are_explained_as_each_alone(liked: Mesh) -> None:
    answer = await liked.client.explain("ada", ["red-cup", "bulb"], words=True, regions=True, pictures=[b"red stripes"])
    cup, bulb = answer.explanations
    assert {word.text for word in cup.words} == {"red", "coffee", "cup"}
    assert {word.text for word in bulb.words} == {"bulb", "of", "a", "desk", "lamp"}
    assert (bulb.regions, len(cup.regions)) == ((), 2)
    assert not answer.served.lacked


async def test_nothing_is_named_that_was_not_asked_for(liked: Mesh) -> None:
    each = await explained(liked, "red-cup")
    assert (each.words, each.regions, each.words_fit, each.regions_fit) == ((), (), 0.0, 0.0)


async def lacking(mesh: Mesh, part: str, **wanted: Any) -> Explanations:
    """The answer that says so."""
    answer: Explanations = await until_answer(
        lambda: mesh.client.explain("ada", ["red-cup"], **wanted),
        lambda answer: part in {lack.part for lack in answer.served.lacked},
    )
    return answer


async def test_without_its_encoder_words_are_lacking_and_the_rest_is_there(liked: Mesh) -> None:
    await liked.text_server.stop()
    answer = await lacking(liked, "text-encoder", words=True, regions=True, pictures=[b"red stripes"])
    (each,) = answer.explanations
    assert (each.words, len(each.regions)) == ((), 2)
    assert each.signals
    assert each.history


async def test_a_picture_that_is_not_brought_is_lacking(liked: Mesh) -> None:
    answer = await lacking(liked, "regions", words=True, regions=True)
    (each,) = answer.explanations
    assert (each.regions, len(each.words)) == ((), 3)
    assert [(lack.part, lack.reason) for lack in answer.served.lacked] == [("regions", "PICTURE_NOT_GIVEN")]


async def test_words_of_another_model_than_the_items_vectors_are_not_taken(liked: Mesh) -> None:
    liked.text.fingerprint = "second"
    answer = await lacking(liked, "text-encoder", words=True)
    assert answer.explanations[0].words == ()


@pytest.mark.parametrize(
    ("wanted", "field", "reason"),
    [
        ({"regions": True, "pictures": [b"blue dots"]}, "pictures[0]", "UNKNOWN_PICTURE"),
        ({"words": True, "pictures": [b"red stripes"]}, "pictures", "NOT_ASKED_FOR"),
        ({"regions": True, "pictures": [b"red stripes", b""]}, "pictures[1]", "EMPTY"),
        ({"regions": True, "pictures": [b"red stripes"] * 33}, "pictures", "TOO_LARGE"),
    ],
)
async def test_pictures_that_do_not_fit_are_refused(
    liked: Mesh, wanted: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await liked.client.explain("ada", [RED_CUP.item_id], **wanted)
    assert (refused.value.field, refused.value.reason) == (field, reason)


async def test_few_items_at_once_have_words(liked: Mesh) -> None:
    ids = [f"item-{number}" for number in range(9)]
    with pytest.raises(TooLarge, match="item_ids"):
        await liked.client.explain("ada", ids, words=True)
