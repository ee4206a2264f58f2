"""The shop's customers: what each likes, and what they bought and rated because of it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from modalmesh.local.shop.catalogue import Product, words

CUSTOMERS = 60
TasteKind = Literal["picture", "text", "both"]

# Two in five each live by the picture alone or by the text alone, the rest by both.
_KINDS: tuple[TasteKind, ...] = ("picture", "text", "both", "text", "picture")
# Likes nobody has: nothing printed on it, and no theme.
_NO_TASTE = frozenset({"plain", "everyday"})
_OPENING = datetime(2024, 1, 8, 9, tzinfo=UTC)
_SECONDS_OPEN = 680 * 86_400
_LIKED_SHARE, _WHIM_SHARE = 0.76, 0.08


@dataclass(frozen=True, slots=True)
class Purchase:
    """One row of interactions.csv; `time` is in Unix seconds."""

    user_id: str
    item_id: str
    time: int
    rating: float
    type: Literal["purchase", "rating"]


@dataclass(frozen=True, slots=True)
class Customer:
    """`pattern` is liked by sight, `theme` by reading; a picture customer has no theme, a text customer no pattern."""

    user_id: str
    kind: TasteKind
    pattern: str = ""
    theme: str = ""

    def likes(self, product: Product) -> bool:
        """Whether the customer's taste shows in what the shop shows or says of the product."""
        sees = bool(product.pictures) and product.look.pattern == self.pattern
        return sees or (product.has_text and product.theme == self.theme)


def customers(goods: Sequence[Product], count: int = CUSTOMERS, seed: int = 7) -> list[Customer]:
    """Customers whose tastes go round all prints and themes that the goods have."""
    chance = random.Random(seed + 1)  # noqa: S311  a seeded shop, nothing secret
    patterns = sorted({product.look.pattern for product in goods} - _NO_TASTE)
    themes = sorted({product.theme for product in goods} - _NO_TASTE)
    chance.shuffle(patterns)
    chance.shuffle(themes)
    names: list[str] = words()["customers"]
    people = []
    for number in range(count):
        kind = _KINDS[number % len(_KINDS)]
        again, position = divmod(number, len(names))
        name = f"{names[position].lower()}{again or ''}"
        pattern = "" if kind == "text" else patterns[number % len(patterns)]
        theme = "" if kind == "picture" else themes[number % len(themes)]
        people.append(Customer(name, kind, pattern, theme))
    return people


def purchases(people: Sequence[Customer], goods: Sequence[Product], seed: int = 7) -> list[Purchase]:
    """Everything bought and rated, the oldest first. Most of it is to the customer's taste, and rated so."""
    chance = random.Random(seed + 2)  # noqa: S311  a seeded shop, nothing secret
    # Some products sell better than others, whoever looks at them.
    appeal = {product.item_id: 0.4 + chance.paretovariate(2.5) for product in goods}
    rows = [row for person in people for row in _of_one(chance, person, goods, appeal)]
    return sorted(rows, key=lambda row: (row.time, row.user_id, row.item_id))


def _of_one(
    chance: random.Random, person: Customer, goods: Sequence[Product], appeal: dict[str, float]
) -> list[Purchase]:
    wanted = chance.randrange(12, 27)
    liked, others = ([product for product in goods if person.likes(product) is flag] for flag in (True, False))
    liked_wanted = min(round(wanted * _LIKED_SHARE), len(liked) * 2 // 3)
    rows = []
    for product in _drawn(chance, liked, appeal, liked_wanted):
        rows.append((product, chance.choice((4.0, 4.5, 5.0, 5.0))))
    for product in _drawn(chance, others, appeal, wanted - liked_wanted):
        whim = chance.random() < _WHIM_SHARE / (1 - _LIKED_SHARE)
        rows.append((product, 4.0 if whim else chance.choice((1.0, 2.0, 2.5, 3.0))))
    chance.shuffle(rows)
    opening = int(_OPENING.timestamp())
    times = sorted(opening + chance.randrange(_SECONDS_OPEN) for _ in rows)
    return [
        Purchase(person.user_id, product.item_id, time, rating, "purchase" if rating >= 4.5 else "rating")
        for (product, rating), time in zip(rows, times, strict=True)
    ]


def _drawn(chance: random.Random, goods: Sequence[Product], appeal: dict[str, float], count: int) -> list[Product]:
    """`count` different products, the appealing ones more often (Efraimidis and Spirakis, 2006)."""
    keys = {product.item_id: chance.random() ** (1 / appeal[product.item_id]) for product in goods}
    return sorted(goods, key=lambda product: keys[product.item_id], reverse=True)[:count]
