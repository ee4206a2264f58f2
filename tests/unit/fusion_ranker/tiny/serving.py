"""Ranks by how often an item was liked, and by its texts where nobody has."""

from collections.abc import Sequence

import numpy as np

from modalmesh.embeddings import FloatMatrix
from modalmesh.types import Explanation
from modalmesh_services.common.backends.device import CPU, Device
from modalmesh_services.fusion_ranker.models.explaining import explanation, sigmoid
from modalmesh_services.fusion_ranker.models.fusing import fuse_images, fuse_texts, join
from modalmesh_services.fusion_ranker.models.interface import ModelDescription, ProposedItem, UserQueries
from modalmesh_services.fusion_ranker.requests import (
    ExplainRequest,
    Floats,
    FuseRequest,
    ProposeRequest,
    RankRequest,
    UserRequest,
)
from modalmesh_services.fusion_ranker.systems.interface import MadeFor, Parts

_WEIGHTS = {"title": 1.0, "description": 1.0, "tags": 1.0}
_NONE = {"liked": np.zeros(0)}


def ranker(parts: Parts, made_for: MadeFor, device: Device = CPU) -> "TinyRanker":
    if len(parts.arrays["liked"]) != len(parts.item_ids):
        raise ValueError("there is not one number an item")
    return TinyRanker(parts, made_for)


class TinyRanker:
    def __init__(self, parts: Parts, made_for: MadeFor) -> None:
        self._liked = dict(zip(parts.item_ids, parts.arrays["liked"].tolist(), strict=True))
        self._made_for = made_for

    @property
    def description(self) -> ModelDescription:
        made_for = self._made_for
        fused_dim = made_for.text_dim + made_for.image_dim
        return ModelDescription(
            name=made_for.name,
            revision=made_for.revision,
            build="numpy/cpu/fp32",
            text_dim=made_for.text_dim,
            image_dim=made_for.image_dim,
            fused_dim=fused_dim,
            text_fingerprint=made_for.text.fingerprint,
            image_fingerprint=made_for.image.fingerprint,
        )

    def fuse(self, request: FuseRequest) -> FloatMatrix:
        text = fuse_texts(request, _WEIGHTS, self._made_for.text_dim)
        return join(text, fuse_images(request, self._made_for.image_dim))

    def encode_user(self, request: UserRequest) -> UserQueries:
        liked = request.vectors.values[request.history.rows[request.history.positive]]
        return UserQueries(liked, np.full(len(liked), 1.0 / max(1, len(liked)), np.float32))

    def propose(self, request: ProposeRequest) -> Sequence[ProposedItem]:
        best = sorted(self._liked.items(), key=lambda pair: -pair[1])
        return [ProposedItem(item_id, score) for item_id, score in best[: request.limit]]

    def rank(self, request: RankRequest) -> Floats:
        return sigmoid(self._logits(request))

    def explain(self, request: ExplainRequest) -> Sequence[Explanation]:
        logits = self._logits(request.ranking)
        ids = request.ranking.candidates.item_ids
        return [explanation(ids[place], 0.0, {"liked": float(logits[place])}, (), _NONE) for place in request.explain]

    def _logits(self, request: RankRequest) -> Floats:
        return np.array([self._liked.get(item_id, 0.0) for item_id in request.candidates.item_ids]) / 100.0
