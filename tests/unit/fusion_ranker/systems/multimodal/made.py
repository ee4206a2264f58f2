"""A small world: two camps of users, each of which likes what looks and reads like its own half of the items."""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import numpy as np

from modalmesh.embeddings import Embeddings, ModelId
from modalmesh.types import PictureKind
from modalmesh_services.fusion_ranker.dataset import Attributes, Catalogue, History, Tokens
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats
from modalmesh_services.fusion_ranker.dataset.catalogue import TAGS
from modalmesh_services.fusion_ranker.requests import (
    Candidates,
    FuseRequest,
    ImageToken,
    ItemTokens,
    RankRequest,
    TextToken,
)
from modalmesh_services.fusion_ranker.requests import History as AskedHistory
from modalmesh_services.fusion_ranker.systems.interface import MadeFor, Training

TEXT_DIM, IMAGE_DIM = 6, 10
ITEMS, USERS = 40, 24
DAY_MS = 86_400_000
MADE_FOR = MadeFor("made", "r1", ModelId("t", "t1"), ModelId("i", "i1"), TEXT_DIM, IMAGE_DIM)
TINY: Mapping[str, object] = {
    "dim": 8,
    "head": {"hidden": 8, "attention": 4},
    "attributes": {"shared_by": 2},
    "collaborative": {"dim": 4, "neighbours": 3},
    "history": {"events": 12},
    "epochs": 2,
    "batch": 16,
    "shards": 1,
    "negatives": 16,
    "targets": 3,
}


def camp(item: int) -> int:
    return item % 2


def catalogue() -> Catalogue:
    """Every third item lacks a text, every fourth a picture; item 12 lacks both. Every fifth has two frames."""
    chance = np.random.default_rng(0)
    text, image, attributes = [], [], []
    for item in range(ITEMS):
        sign = 1.0 if camp(item) else -1.0
        texts = [] if item % 3 == 0 else ["title", "description"][: 1 + item % 2]
        pictures = [*([] if item % 4 == 0 else ["picture"]), *(["frame"] * 2 if item % 5 == 1 else [])]
        text.append((_vectors(chance, len(texts), TEXT_DIM, sign), texts))
        image.append((_vectors(chance, len(pictures), IMAGE_DIM, sign), pictures))
        attributes.append({"genres": [f"camp-{camp(item)}", f"third-{item % 3}"], TAGS: [f"camp-{camp(item)}"]})
    return Catalogue(
        tuple(f"item-{item}" for item in range(ITEMS)),
        np.arange(ITEMS, dtype=np.int64) * DAY_MS,
        Tokens.collect(text),
        Tokens.collect(image),
        Attributes.collect(attributes),
    )


def without_anything(hidden: Flags) -> Catalogue:
    """As if nothing were known of the items `hidden` (N,) bool."""
    whole = catalogue().without_texts(hidden).without_pictures(hidden)
    return replace(whole, attributes=whole.attributes.without_items(hidden))


def history(user: int, count: int = 14) -> History:
    """Mostly of the own camp and liked, every fifth of the other one and not."""
    chance = np.random.default_rng((user, 1))
    own = chance.permutation([item for item in range(ITEMS) if camp(item) == user % 2])[:count].tolist()
    other = chance.permutation([item for item in range(ITEMS) if camp(item) != user % 2]).tolist()
    items = [other.pop() if place % 5 == 4 else own.pop() for place in range(count)]
    liked = [camp(item) == user % 2 for item in items]
    times = (1000 + np.arange(count, dtype=np.int64) + user) * DAY_MS
    ratings = np.where(liked, 5, 1).astype(np.float32)
    return History(f"u{user}", np.array(items, np.int32), times, ratings, np.array(liked, np.bool_))


def training() -> Training:
    return Training([history(user) for user in range(USERS)], catalogue(), np.ones(ITEMS, np.bool_))


def cold_training() -> Training:
    """Items from 30 on are out of training."""
    whole = training()
    warm = np.arange(ITEMS) < 30
    histories = [own[warm[own.items]] for own in whole.histories]
    return replace(whole, histories=histories, trainable=warm)


def fuse_request(made: Catalogue) -> FuseRequest:
    """The whole catalogue, as the gateway sends it: items' order is its own, tokens are rows of two matrices."""
    items = []
    for row, item_id in enumerate(made.item_ids):
        texts = [TextToken(made.text.kind_names[made.text.kinds[at]], at) for at in _rows(made.text, row)]
        images = [ImageToken(_kind(made.image, at), at) for at in _rows(made.image, row)]
        values = made.attributes.values[[row]].indices
        attributes: dict[str, list[str]] = {}
        for name, value in (made.attributes.vocabulary[column] for column in values):
            attributes.setdefault(name, []).append(value)
        items.append(ItemTokens(item_id, texts, images, attributes))
    return FuseRequest(
        Embeddings(made.text.vectors, MADE_FOR.text), Embeddings(made.image.vectors, MADE_FOR.image), items
    )


def rank_request(made: Catalogue, fused: Floats, own: History, now_ms: int) -> RankRequest:
    """All items of the catalogue, for this user."""
    rows = np.arange(len(made), dtype=np.int64)
    asked = AskedHistory(
        [made.item_ids[row] for row in own.items],
        own.items.astype(np.int64),
        own.times_ms,
        ["rating"] * len(own),
        own.ratings.astype(np.float64),
        own.positive,
    )
    candidates = Candidates(made.item_ids, rows, np.full(len(rows), np.nan), np.zeros(len(rows), np.int64))
    return RankRequest(Embeddings(fused, ModelId("made", "r1")), asked, candidates, now_ms)


def _vectors(chance: np.random.Generator, count: int, dim: int, sign: float) -> Floats:
    direction = np.random.default_rng(dim).normal(size=dim)
    return (sign * direction + 0.5 * chance.normal(size=(count, dim)) + 1.0).astype(np.float32)


def _rows(tokens: Tokens, item: int) -> list[int]:
    found: list[int] = np.flatnonzero(tokens.items == item).tolist()
    return found


def _kind(tokens: Tokens, row: int) -> PictureKind:
    return cast(PictureKind, tokens.kind_names[tokens.kinds[row]])
