"""The shop's products: what each is, says and looks like. Words and looks are dealt out independently."""

import random
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib.resources import files
from typing import Any, TypeVar

from modalmesh.local.shop.palettes import PALETTES
from modalmesh.local.shop.patterns import PATTERNS
from modalmesh.local.shop.pictures import FORMS, Look

PRODUCTS = 345
# Shares of all products; each lack is somebody else's, so that no product lacks both text and picture.
_WITHOUT_PICTURE = 0.064
_WITHOUT_DESCRIPTION = 0.058
_WITHOUT_TEXT = 0.018
_WITH_CLIP = 0.035
_WITH_DETAIL = 0.1
_FIRST_DAY = date(2022, 1, 10)
_DAYS = 700

_Choice = TypeVar("_Choice")


@dataclass(frozen=True, slots=True)
class Product:
    """One product. `theme` and `look` say what the text and the picture are about; the shop publishes neither."""

    item_id: str
    form: str
    theme: str
    look: Look
    title: str
    description: str
    tags: Sequence[str]
    category: str
    material: str
    price: float
    released: date
    pictures: int = 1
    has_clip: bool = False

    @property
    def has_text(self) -> bool:
        return bool(self.title)


def words() -> dict[str, Any]:
    """The shop's vocabulary: `themes` and `forms`."""
    return tomllib.loads(files(__package__).joinpath("words.toml").read_text(encoding="utf-8"))


def products(count: int = PRODUCTS, seed: int = 7) -> list[Product]:
    """`count` products; forms, themes and prints come up equally often and independently of each other."""
    chance = random.Random(seed)  # noqa: S311  a seeded shop, nothing secret
    vocabulary = words()
    forms, themes = _dealt(chance, list(FORMS), count), _dealt(chance, list(vocabulary["themes"]), count)
    patterns, gaps = _dealt(chance, list(PATTERNS), count), _gaps(chance, count)
    numbers: Counter[str] = Counter()
    goods: dict[str, Product] = {}
    for form, theme, pattern, gap in zip(forms, themes, patterns, gaps, strict=True):
        numbers[form] += 1
        look = Look(pattern, chance.choice(PALETTES), dark=chance.random() < 0.5)
        texts = _texts(chance, vocabulary, form, theme, taken={product.title for product in goods.values()})
        item_id = f"{form}-{numbers[form]:02d}"
        goods[item_id] = _with_gap(_product(chance, vocabulary, item_id, form, theme, look, texts), gap)
    return [goods[item_id] for item_id in sorted(goods)]


@dataclass(frozen=True, slots=True)
class _Texts:
    title: str
    description: str
    tags: Sequence[str]
    material: str


def _texts(chance: random.Random, vocabulary: dict[str, Any], form: str, theme: str, taken: set[str]) -> _Texts:
    """What the shop says of a product; its title is new where the theme has one left."""
    saying, thing = vocabulary["themes"][theme], vocabulary["forms"][form]
    titles = [f"{title} {thing['noun']}" for title in saying["titles"]]
    material, made = chance.choice(sorted(thing["made_of"].items()))
    return _Texts(
        title=chance.choice([title for title in titles if title not in taken] or titles),
        description=f"{chance.choice(saying['openers'])} {made} {chance.choice(saying['closers'])}",
        tags=(*chance.sample(saying["tags"], 2), material),
        material=material,
    )


def _product(
    chance: random.Random, vocabulary: dict[str, Any], item_id: str, form: str, theme: str, look: Look, texts: _Texts
) -> Product:
    low, high = vocabulary["forms"][form]["price"]
    return Product(
        item_id=item_id,
        form=form,
        theme=theme,
        look=look,
        title=texts.title,
        description=texts.description,
        tags=texts.tags,
        category=vocabulary["forms"][form]["category"],
        material=texts.material,
        price=chance.randrange(low, high) + 0.9,
        released=_FIRST_DAY + timedelta(days=chance.randrange(_DAYS)),
    )


def _gaps(chance: random.Random, count: int) -> list[str]:
    """For each product what it lacks or has more of, most often nothing."""
    shares = {
        "no picture": _WITHOUT_PICTURE,
        "no description": _WITHOUT_DESCRIPTION,
        "no text": _WITHOUT_TEXT,
        "clip": _WITH_CLIP,
        "detail": _WITH_DETAIL,
    }
    gaps = [gap for gap, share in shares.items() for _ in range(round(share * count))]
    gaps += [""] * (count - len(gaps))
    chance.shuffle(gaps)
    return gaps


def _with_gap(product: Product, gap: str) -> Product:
    match gap:
        case "no picture":
            return replace(product, pictures=0)
        case "no description":
            return replace(product, description="")
        case "no text":
            return replace(product, title="", description="", tags=())
        case "detail":
            return replace(product, pictures=2)
        case _:
            return replace(product, has_clip=gap == "clip")


def _dealt(chance: random.Random, choices: Sequence[_Choice], count: int) -> list[_Choice]:
    """`count` picks, each choice about equally often, in random order."""
    rounds = -(-count // len(choices))
    deck = [choice for _ in range(rounds) for choice in choices][:count]
    chance.shuffle(deck)
    return deck
