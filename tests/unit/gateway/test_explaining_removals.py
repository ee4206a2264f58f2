"""Items without a word or region, as the parts say."""

import re

import numpy as np
import pytest

from modalmesh.embeddings import Embeddings, FloatMatrix, ModelId, normalise
from modalmesh.types import Item
from modalmesh_gateway.explaining.removals import (
    MOST_WORDS,
    PictureSource,
    TextSource,
    is_before_pooling,
    without_regions,
    without_words,
)
from modalmesh_gateway.ports import Encoded, FuseInput, Place
from modalmesh_gateway.store import TokenVectors

MODEL = ModelId("fake", "one")
CHANCE = np.random.default_rng(0)


def encoded(text: str) -> Encoded:
    """A part a word."""
    places = [Place(found.start(), found.end()) for found in re.finditer(r"\S+", text)]
    return Encoded(CHANCE.normal(size=(len(places), 4)).astype(np.float32), places=places)


def mean_of(parts: FloatMatrix | None) -> FloatMatrix:
    assert parts is not None
    mean: FloatMatrix = normalise(parts.mean(axis=0, keepdims=True))
    return mean


def item(title: str, description: str = "") -> tuple[FuseInput, list[TextSource]]:
    whole = Item("mug", title, description)
    texts = whole.text_fields()
    sources = [TextSource(name, text, row, encoded(text)) for row, (name, text) in enumerate(texts.items())]
    vectors = np.concatenate([mean_of(source.encoded.values) for source in sources])
    tokens = TokenVectors(Embeddings(vectors, MODEL), tuple(texts), ("",) * len(texts))
    return FuseInput(whole, tokens, None), sources


def test_only_the_words_own_field_changes() -> None:
    mug, sources = item(title="red mug", description="for tea")
    found = without_words(mug, sources)
    assert [(each.field, each.text) for each in found.shares] == [
        ("title", "red"),
        ("title", "mug"),
        ("description", "for"),
        ("description", "tea"),
    ]
    last = found.without[3].text
    assert last is not None
    assert mug.text is not None
    assert sources[1].encoded.values is not None
    np.testing.assert_allclose(last.embeddings.values[0], mug.text.embeddings.values[0])
    np.testing.assert_allclose(last.embeddings.values[1], normalise(sources[1].encoded.values[:1])[0], atol=1e-6)
    assert found.fit == pytest.approx(1.0)


def test_a_field_of_one_word_goes_with_it_and_a_text_of_one_word_altogether() -> None:
    two = without_words(*item(title="mug", description="for tea")).without[0].text
    assert two is not None
    assert two.labels == ("description",)
    assert without_words(*item(title="mug")).without[0].text is None


def test_a_very_long_text_has_no_more_words_than_are_ranked() -> None:
    mug, sources = item(title="a mug", description="word " * 300)
    found = without_words(mug, sources)
    assert MOST_WORDS // 2 < len(found.shares) <= MOST_WORDS
    assert found.shares[-1].end == len("word " * 300) - 1


def pictured(dim: int) -> tuple[FuseInput, PictureSource]:
    places = [Place(left=side / 2, right=(side + 1) / 2, bottom=1.0) for side in (0, 1)]
    parts = Encoded(CHANCE.normal(size=(2, dim)).astype(np.float32), places=places)
    vectors = np.concatenate([mean_of(parts.values), np.ones((1, dim), np.float32)])[:, :4]
    tokens = TokenVectors(Embeddings(vectors, MODEL), ("picture", "picture"), ("a", "b"))
    return FuseInput(Item("mug"), None, tokens), PictureSource(3, [0], parts)


def test_a_region_changes_its_own_picture_alone() -> None:
    mug, source = pictured(4)
    found = without_regions(mug, [source])
    assert [(each.picture, each.left) for each in found.shares] == [(3, 0.0), (3, 0.5)]
    first = found.without[0].image
    assert first is not None
    assert source.encoded.values is not None
    np.testing.assert_allclose(first.embeddings.values[0], normalise(source.encoded.values[1:])[0], atol=1e-6)
    np.testing.assert_allclose(first.embeddings.values[1], np.ones(4))


def test_parts_of_another_layer_say_where_regions_are_and_nothing_more() -> None:
    mug, source = pictured(6)
    assert not is_before_pooling(mug.image, source.encoded)
    found = without_regions(mug, [source])
    assert (len(found.shares), found.fit) == (2, 0.0)
    assert mug.image is not None
    for each in found.without:
        assert each.image is not None
        np.testing.assert_allclose(each.image.embeddings.values, mug.image.embeddings.values)
