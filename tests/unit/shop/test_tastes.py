"""Tastes are hidden where the shop promises: prints in pictures only, themes in texts only."""

import re
from collections import Counter

import numpy as np
import pytest

from modalmesh.local.shop.catalogue import Product, words
from modalmesh.local.shop.customers import Customer, Purchase, TasteKind, customers, purchases
from modalmesh.local.shop.palettes import PALETTES
from modalmesh.local.shop.patterns import PATTERNS
from modalmesh.local.shop.pictures import picture

VISUAL_WORDS = re.compile(
    r"\b(strip|dot|leaf|leav|botanic|flor|check|gingham|tartan|plaid|scallop|scale|wav|triang|geometr|zig|chevron|plain"
    r"|pattern|print|colou?r|red|blue|green|yellow|orange|purple|violet|lilac|pink|berry|clay|ink\b|black|white|grey|gray"
    r"|brown|mustard|dark|bright|pale|polka|spot)\w*",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def people(goods: list[Product]) -> list[Customer]:
    return customers(goods)


@pytest.fixture(scope="module")
def bought(people: list[Customer], goods: list[Product]) -> list[Purchase]:
    return purchases(people, goods)


def _texts(product: Product) -> str:
    return " ".join((product.item_id, product.title, product.description, *product.tags, product.material))


def test_no_text_tells_what_a_product_looks_like(goods: list[Product]) -> None:
    told = {word.group() for product in goods for word in VISUAL_WORDS.finditer(_texts(product))}
    # A pen's ink is a thing to write with here.
    assert {word.lower() for word in told} <= {"ink"}


def test_no_word_of_the_vocabulary_names_a_print(goods: list[Product]) -> None:
    everything = str(words()).lower()
    assert not [name for name in PATTERNS if re.search(rf"\b{name}\b", everything)]


def test_prints_and_themes_come_up_equally_often_and_independently(goods: list[Product]) -> None:
    pairs = Counter((product.look.pattern, product.theme) for product in goods)
    table = np.array([[pairs[pattern, theme] for theme in words()["themes"]] for pattern in PATTERNS], dtype=float)
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    degrees = (table.shape[0] - 1) * (table.shape[1] - 1)
    assert ((table - expected) ** 2 / expected).sum() < degrees + 2 * np.sqrt(2 * degrees)


def test_every_print_changes_the_picture_whatever_the_form(goods: list[Product]) -> None:
    look = goods[0].look
    drawn = {name: np.asarray(picture("mug", type(look)(name, PALETTES[0], dark=False)), float) for name in PATTERNS}
    differences = [abs(drawn[a] - drawn[b]).mean() for a in drawn for b in drawn if a < b]
    assert min(differences) > 4


@pytest.mark.parametrize(("kind", "count"), [("picture", 24), ("text", 24), ("both", 12)])
def test_tastes_are_shared_out(people: list[Customer], kind: TasteKind, count: int) -> None:
    chosen = [person for person in people if person.kind == kind]
    assert len(chosen) == count
    assert all(bool(person.pattern) == (kind != "text") for person in chosen)
    assert all(bool(person.theme) == (kind != "picture") for person in chosen)


def test_what_is_rated_well_is_to_the_customers_taste(
    people: list[Customer], bought: list[Purchase], goods: list[Product]
) -> None:
    product = {item.item_id: item for item in goods}
    person = {customer.user_id: customer for customer in people}
    liked = [person[row.user_id].likes(product[row.item_id]) for row in bought if row.rating >= 3.5]
    disliked = [person[row.user_id].likes(product[row.item_id]) for row in bought if row.rating < 3.5]
    assert np.mean(liked) > 0.85
    assert not any(disliked)


def test_everyone_leaves_products_of_their_taste_to_be_recommended(
    people: list[Customer], bought: list[Purchase], goods: list[Product]
) -> None:
    for person in people:
        seen = {row.item_id for row in bought if row.user_id == person.user_id}
        assert sum(person.likes(product) for product in goods if product.item_id not in seen) >= 10


def test_nobody_buys_by_a_picture_that_is_not_there(people: list[Customer], goods: list[Product]) -> None:
    visual = next(person for person in people if person.kind == "picture")
    assert not [product for product in goods if not product.pictures and visual.likes(product)]
