"""Records and events to write in tests."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from modalmesh.embeddings import Embeddings, FloatMatrix, ModelId, normalise
from modalmesh.types import Event, Item, Modality, Picture, Video
from modalmesh_gateway.store import EmbeddingKey, ItemRecord, TokenVectors

TEXT_MODEL = ModelId("minilm", "text-1")
IMAGE_MODEL = ModelId("lite0", "image-1")
RANKER = ModelId("zero-shot", "space-1")


def vectors(rows: int, dim: int, model: ModelId, seed: int = 0) -> Embeddings:
    values = np.random.default_rng(seed).standard_normal((rows, dim)).astype(np.float32)
    return Embeddings(normalise(values), model)


def text_tokens(model: ModelId = TEXT_MODEL) -> TokenVectors:
    return TokenVectors(vectors(3, 16, model), ("title", "description", "tags"), ("t1", "t2", "t3"))


def image_tokens(model: ModelId = IMAGE_MODEL) -> TokenVectors:
    return TokenVectors(vectors(3, 24, model, 1), ("picture", "frame", "frame"), ("p1", "v1", "v1"))


def full_item(item_id: str) -> Item:
    return Item(
        item_id=item_id,
        title="Lamp",
        description="A lamp\nfor ❤ reading",
        tags=("light", "with, comma"),
        pictures=(Picture(name="lamp.jpg", content_hash="p1"),),
        videos=(Video(name="lamp.mp4", content_hash="v1"),),
        attributes={"colour": ("red", "blue"), "size": ("L",)},
        time_ms=-86_400_000,
    )


def full_record(item_id: str = "lamp", digest: str = "digest-1") -> ItemRecord:
    """An item with everything, nothing pending."""
    fused = vectors(1, 20, RANKER, 2)
    return ItemRecord(full_item(item_id), digest, text_tokens(), image_tokens(), fused, "fused-key", frozenset())


def waiting_record(item_id: str = "lamp", *, pending: Sequence[Modality] = ("text", "image")) -> ItemRecord:
    """The same item before its encoders answered."""
    record = replace(full_record(item_id), fused=None, fused_key="", pending=frozenset(pending))
    text = None if "text" in pending else record.text
    return replace(record, text=text, image=None if "image" in pending else record.image)


def event(user: str, item: str, time_ms: int = 0, event_id: str = "", value: float | None = 4.5) -> Event:
    return Event(user, item, time_ms, "rating", value, event_id or f"{user}/{item}/{time_ms}")


def cache_keys(count: int) -> list[EmbeddingKey]:
    return [EmbeddingKey("text-1", f"hash-{number}") for number in range(count)]


def cache_values(count: int) -> dict[EmbeddingKey, FloatMatrix]:
    return {key: vectors(1, 8, TEXT_MODEL, number).values for number, key in enumerate(cache_keys(count))}
