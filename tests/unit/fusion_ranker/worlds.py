"""A small data set with vectors: two camps of users who each like their half of the items; each half looks alike."""

import json
from pathlib import Path

import numpy as np

from modalmesh.embeddings import ModelId
from modalmesh.types import Item
from modalmesh_services.fusion_ranker.bundle import Encoders
from modalmesh_services.fusion_ranker.dataset import History, Interactions
from modalmesh_services.fusion_ranker.dataset.embeddings import Embeddings
from modalmesh_services.fusion_ranker.dataset.reading import Dataset, build_catalogue
from modalmesh_services.fusion_ranker.dataset.tokens import Tokens

TEXT_DIM, IMAGE_DIM = 8, 12
ENCODERS = Encoders(ModelId("minilm", "t1"), ModelId("effnet", "i1"), TEXT_DIM, IMAGE_DIM)
DAY_MS = 86_400_000


def embeddings(items: int = 60, seed: int = 0) -> Embeddings:
    """A title's and a picture's vector an item, around one of two directions."""
    random = np.random.default_rng(seed)
    camp = np.arange(items) * 2 // items
    return Embeddings(
        tuple(f"i{row}" for row in range(items)),
        _tokens(random, camp, TEXT_DIM, "title"),
        _tokens(random, camp, IMAGE_DIM, "image"),
        ENCODERS.text,
        ENCODERS.image,
    )


def _tokens(random: np.random.Generator, camp: "np.ndarray", dim: int, kind: str) -> Tokens:
    vectors = random.normal(size=(2, dim))[camp] + 0.3 * random.normal(size=(len(camp), dim))
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    count = len(camp)
    return Tokens(count, unit, np.arange(count, dtype=np.int32), np.zeros(count, np.int32), (kind,))


def dataset(users: int = 40, items: int = 60, seed: int = 0) -> Dataset:
    """Each user likes a quarter of all items, of his own half, and rates one of the other half low."""
    random = np.random.default_rng(seed)
    half = items // 2
    histories = []
    for user in range(users):
        own, other = (np.arange(half), half) if user % 2 else (np.arange(half, items), 0)
        rows = [*random.choice(own, half // 2, replace=False).tolist(), other + user % half]
        liked = np.arange(len(rows)) < len(rows) - 1
        histories.append(
            History(
                f"u{user}",
                np.array(rows, np.int32),
                (user * 10 + np.arange(len(rows), dtype=np.int64)) * DAY_MS,
                np.where(liked, 5, 1).astype(np.float32),
                liked,
            )
        )
    described = [
        Item(
            f"i{row}",
            title=f"Item {row}",
            tags=["even" if row < half else "odd"],
            attributes={"genre": ["calm" if row < half else "loud"]},
            time_ms=row * DAY_MS,
        )
        for row in range(items)
    ]
    return Dataset(build_catalogue(described, embeddings(items, seed)), Interactions(tuple(histories)))


def write_folder(folder: Path, users: int = 40, items: int = 60) -> Path:
    """The same as files."""
    made = dataset(users, items)
    folder.mkdir(parents=True, exist_ok=True)
    lines = [{"item_id": item_id, "title": f"Item {row}"} for row, item_id in enumerate(made.catalogue.item_ids)]
    (folder / "items.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    rows = [
        f"{history.user_id},{made.catalogue.item_ids[item]},{time_ms // 1000},{rating:g}"
        for history in made.interactions.histories
        for item, time_ms, rating in zip(history.items, history.times_ms, history.ratings, strict=True)
    ]
    (folder / "interactions.csv").write_text("\n".join(["user_id,item_id,timestamp,rating", *rows]) + "\n")
    return folder
