"""A small world: items of four styles that show in texts, pictures and attributes, and users who like one each."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from modalmesh.embeddings import Embeddings as Matrix
from modalmesh.embeddings import ModelId
from modalmesh.types import Item
from modalmesh_services.fusion_ranker.dataset import History, Tokens
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats
from modalmesh_services.fusion_ranker.dataset.embeddings import Embeddings
from modalmesh_services.fusion_ranker.dataset.history import Interactions
from modalmesh_services.fusion_ranker.dataset.reading import Dataset, build_catalogue
from modalmesh_services.fusion_ranker.requests import FuseRequest, ImageToken, ItemTokens, TextToken
from modalmesh_services.fusion_ranker.requests import History as Events
from modalmesh_services.fusion_ranker.systems.interface import Training
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.item_table import Rows
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.learning import FittedCold, fit

TEXT_DIM, IMAGE_DIM, STYLES = 12, 10, 4
YEAR_MS = 31_557_600_000


def styles(count: int) -> Rows:
    return np.arange(count) % STYLES


@cache
def world(count: int = 120, users: int = 60) -> Dataset:
    """Every fifth item lacks its picture, every seventh all texts, every third has a tag."""
    random = np.random.default_rng(0)
    style = styles(count)
    items = [
        Item(
            f"item-{row}",
            title="a title" if row % 7 else "",
            tags=["told", f"tag {style[row]}"] if row % 3 == 0 and row % 7 else [],
            attributes={
                "genre": [f"genre {style[row] if row % 4 else row % 3}"],
                "cast": [f"player {(row * 7 + part) % 40}" for part in range(2)],
                "price": [str(1 + row % 9)],
                "serial": [f"no {row}"],
            },
            time_ms=(20 + row % 30) * YEAR_MS,
        )
        for row in range(count)
    ]
    catalogue = build_catalogue(items, _embeddings(items, style, random))
    popular: Floats = np.square(random.random(count, np.float32))
    histories = [_history(user, style, popular, random) for user in range(users)]
    return Dataset(catalogue, Interactions(tuple(histories)))


def cold_rows(count: int) -> Flags:
    """(count,) bool: items that nobody in training knows."""
    cold = np.zeros(count, np.bool_)
    cold[np.random.default_rng(1).permutation(count)[: count // 5]] = True
    return cold


def training(dataset: Dataset, cold: Flags) -> Training:
    histories = tuple(history[~cold[history.items]] for history in dataset.interactions.histories)
    return Training(histories, dataset.catalogue, ~cold)


@cache
def fitted() -> FittedCold:
    """Learned of the world without its cold items; made once."""
    dataset = world()
    return fit(training(dataset, cold_rows(len(dataset.catalogue))))


def request(dataset: Dataset, rows: Sequence[int]) -> FuseRequest:
    """The items of `rows` as they come to the ranker service."""
    catalogue = dataset.catalogue
    text, image = catalogue.text, catalogue.image
    items = [_tokens(dataset, row) for row in rows]
    model = ModelId("made", "up")
    return FuseRequest(Matrix(text.vectors, model), Matrix(image.vectors, model), items)


def events(history: History, rows: Sequence[int], names: Sequence[str]) -> Events:
    """A history as it comes to the ranker service; `rows` are of its fused vectors."""
    count = len(history)
    return Events(
        names, np.asarray(rows), history.times_ms, [""] * count, history.ratings.astype(np.float64), history.positive
    )


def _tokens(dataset: Dataset, row: int) -> ItemTokens:
    catalogue = dataset.catalogue
    text, image = catalogue.text, catalogue.image
    named = catalogue.attributes.values[[row]].indices
    attributes: dict[str, list[str]] = {}
    for place in named:
        name, value = catalogue.attributes.vocabulary[place]
        attributes.setdefault(name, []).append(value)
    for name, numbers in catalogue.attributes.quantities.items():
        if not np.isnan(numbers[row]):
            attributes[name] = [str(numbers[row])]
    return ItemTokens(
        catalogue.item_ids[row],
        [TextToken(text.kind_names[text.kinds[at]], int(at)) for at in np.flatnonzero(text.items == row)],
        [ImageToken("picture", int(at)) for at in np.flatnonzero(image.items == row)],
        attributes,
        int(catalogue.times_ms[row]),
    )


def _embeddings(items: Sequence[Item], style: Rows, random: np.random.Generator) -> Embeddings:
    text_styles: Floats = random.normal(size=(STYLES, TEXT_DIM)).astype(np.float32)
    image_styles: Floats = random.normal(size=(STYLES, IMAGE_DIM)).astype(np.float32)

    def near(centres: Floats, row: int, count: int) -> Floats:
        return np.asarray(centres[style[row]] + 0.7 * random.normal(size=(count, centres.shape[1])), np.float32)

    texts = [("title",) * bool(item.title) + ("tags",) * bool(item.tags) for item in items]
    pictures = [("picture",) if row % 5 else () for row in range(len(items))]
    return Embeddings(
        tuple(item.item_id for item in items),
        Tokens.collect((near(text_styles, row, len(own)), own) for row, own in enumerate(texts)),
        Tokens.collect((near(image_styles, row, len(own)), own) for row, own in enumerate(pictures)),
    )


def _history(user: int, style: Rows, popular: Floats, random: np.random.Generator) -> History:
    """Two in three of the items are of the user's own style and liked."""
    count = len(style)
    own = np.where(style == user % STYLES, 1.0, 0.06) * (0.1 + popular)
    items = random.choice(count, min(count // 4, 20), replace=False, p=own / own.sum()).astype(np.int32)
    positive = style[items] == user % STYLES
    times = np.sort(random.integers(50 * YEAR_MS, 52 * YEAR_MS, len(items)))
    return History(f"u{user}", items, times, np.where(positive, 5, 2).astype(np.float32), positive)
