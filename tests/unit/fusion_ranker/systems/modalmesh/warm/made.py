"""A small world: users of two camps who like their own half of the items, and come to them in the items' order."""

import numpy as np

from modalmesh.types import Item
from modalmesh_services.fusion_ranker.dataset import Catalogue, History, Tokens
from modalmesh_services.fusion_ranker.dataset.embeddings import Embeddings
from modalmesh_services.fusion_ranker.dataset.reading import build_catalogue
from modalmesh_services.fusion_ranker.systems.interface import Training

ITEMS, USERS = 60, 40
DAY_MS = 86_400_000


def made_histories(users: int = USERS, seed: int = 0) -> tuple[History, ...]:
    random = np.random.default_rng(seed)
    histories = []
    for user in range(users):
        camp = 30 * (user % 2)
        own = np.sort(random.choice(30, int(random.integers(9, 20)), replace=False)) + camp
        other = random.choice(30, 3, replace=False) + 30 - camp
        items = np.concatenate([own[:4], other, own[4:]]).astype(np.int32)
        liked = np.concatenate([np.ones(4), np.zeros(3), np.ones(len(own) - 4)]).astype(np.bool_)
        start = int(random.integers(0, 2000)) * DAY_MS
        times = start + np.cumsum(random.integers(0, DAY_MS, len(items))).astype(np.int64)
        ratings = np.where(liked, random.integers(7, 11, len(items)) / 2, random.integers(1, 6, len(items)) / 2)
        histories.append(History(f"u{user}", items, times, ratings.astype(np.float32), liked))
    return tuple(histories)


def made_catalogue(seed: int = 0) -> Catalogue:
    """Texts and pictures tell the camps apart; every fifth item lacks both."""
    random = np.random.default_rng(seed)
    items = [
        Item(
            f"i{row}",
            tags=[f"tag{row % 7}"],
            attributes={"genres": ["a" if row < 30 else "b"], "cast": [f"c{row % 70}", f"c{(row + 9) % 70}"]},
            time_ms=row * 300 * DAY_MS,
        )
        for row in range(ITEMS)
    ]
    camp = np.repeat(np.eye(2, dtype=np.float32), 30, axis=0)
    kept = [row for row in range(ITEMS) if row % 5]
    vectors = np.concatenate([camp, camp], axis=1) + random.normal(0, 0.3, (ITEMS, 4)).astype(np.float32)
    tokens = Tokens.collect(
        (vectors[row : row + 1], ["title"]) if row in kept else (vectors[:0], []) for row in range(ITEMS)
    )
    return build_catalogue(items, Embeddings(tuple(item.item_id for item in items), tokens, tokens))


def made_training(*, with_order: bool = True) -> Training:
    histories = made_histories()
    if not with_order:
        histories = tuple(history.without_order() for history in histories)
    return Training(histories, made_catalogue(), np.ones(ITEMS, np.bool_), with_order)
