"""Small worlds for the ranker: items of known kinds, and requests about them."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from modalmesh.embeddings import Embeddings, FloatMatrix, ModelId, normalise
from modalmesh_services.fusion_ranker.limits import RankerLimits
from modalmesh_services.fusion_ranker.models.interface import Probabilities
from modalmesh_services.fusion_ranker.models.zero_shot import ZeroShotConfig, ZeroShotRanker
from modalmesh_services.fusion_ranker.requests import NO_ROW, Candidates, Flags, History, RankRequest, UserRequest

TEXT_DIM, IMAGE_DIM = 16, 24
CONFIG = ZeroShotConfig(text_dim=TEXT_DIM, image_dim=IMAGE_DIM)
RANKER = ZeroShotRanker(CONFIG)
REVISION = CONFIG.revision
LIMITS = RankerLimits(fuse_items=5, fuse_rows=20, fuse_values=30, candidates=50, history_events=20, explained_pairs=60)


def fused(vectors: FloatMatrix, revision: str = REVISION) -> Embeddings:
    return Embeddings(vectors.astype(np.float32), ModelId("zero-shot", revision))


def kinds(chance: np.random.Generator, labels: Sequence[int], dim: int, noise: float = 0.5) -> FloatMatrix:
    """(N, dim), length 1: around one direction a label, all of them around what every vector has in common."""
    directions = np.random.default_rng(dim).normal(size=(max(labels) + 1, dim))
    vectors = directions[list(labels)] + noise * chance.normal(size=(len(labels), dim)) + 1.0
    return normalise(vectors.astype(np.float32))


def both(text: FloatMatrix, image: FloatMatrix) -> FloatMatrix:
    return np.concatenate([text, image], axis=1)


def blank(vectors: FloatMatrix, text: Flags | None = None, image: Flags | None = None) -> FloatMatrix:
    """The vectors without the text or the picture of the flagged items."""
    copy = vectors.copy()
    if text is not None:
        copy[text, :TEXT_DIM] = 0.0
    if image is not None:
        copy[image, TEXT_DIM:] = 0.0
    return copy


def history(
    rows: Sequence[int], *, positive: Sequence[bool] | None = None, times: Sequence[int] | None = None
) -> History:
    """One event an item, which is called by its row; the oldest first."""
    count = len(rows)
    return History(
        item_ids=[f"item-{row}" for row in rows],
        rows=np.asarray(rows, dtype=np.int64),
        times_ms=np.asarray(range(count) if times is None else times, dtype=np.int64),
        types=["rating"] * count,
        values=np.full(count, np.nan),
        positive=np.asarray([True] * count if positive is None else positive, dtype=np.bool_),
    )


def candidates(rows: Sequence[int], counts: Sequence[int] | None = None) -> Candidates:
    """Called by their rows, too."""
    return Candidates(
        item_ids=[f"item-{row}" if row != NO_ROW else f"bare-{place}" for place, row in enumerate(rows)],
        rows=np.asarray(rows, dtype=np.int64),
        times_ms=np.full(len(rows), np.nan),
        event_counts=np.asarray([0] * len(rows) if counts is None else counts, dtype=np.int64),
    )


def ranking(
    vectors: FloatMatrix, liked: Sequence[int], ranked: Sequence[int], counts: Sequence[int] | None = None
) -> RankRequest:
    return RankRequest(fused(vectors), history(liked), candidates(ranked, counts), 0)


def user(vectors: FloatMatrix, liked: Sequence[int]) -> UserRequest:
    return UserRequest(fused(vectors), history(liked), 0)


def without(request: RankRequest, item_id: str) -> RankRequest:
    """The same request by a user who never met the item."""
    past = request.history
    kept = np.array([each != item_id for each in past.item_ids])
    return replace(
        request,
        history=History(
            [each for each in past.item_ids if each != item_id],
            past.rows[kept],
            past.times_ms[kept],
            list(np.array(past.types)[kept]),
            past.values[kept],
            past.positive[kept],
        ),
    )


def probabilities(request: RankRequest, ranker: ZeroShotRanker = RANKER) -> Mapping[str, float]:
    return dict(zip(request.candidates.item_ids, ranker.rank(request).tolist(), strict=True))


class GatedRanker(ZeroShotRanker):
    """Waits at a gate in `rank`, and records in which thread it ranked how many candidates."""

    def __init__(self) -> None:
        super().__init__(CONFIG)
        self.gate, self.entered = threading.Event(), threading.Event()
        self.ranked: list[tuple[str, int]] = []

    def rank(self, request: RankRequest) -> Probabilities:
        self.ranked.append((threading.current_thread().name, len(request.candidates.item_ids)))
        self.entered.set()
        assert self.gate.wait(10)
        return super().rank(request)
