"""The default system as the ranker service serves it.

An item of the vocabulary that others rated is scored by its id, against the whole vocabulary as in an evaluation, so
that its probability doesn't depend on what else is ranked. Any other item is cold, and known by its fused vector.
"""

from collections.abc import Sequence

import numpy as np
import torch

from modalmesh.embeddings import FloatMatrix
from modalmesh.types import Explanation
from modalmesh_services.common.backends.device import CPU, Device, torch_device
from modalmesh_services.fusion_ranker.dataset.arrays import Floats
from modalmesh_services.fusion_ranker.models.explaining import explanation, sigmoid
from modalmesh_services.fusion_ranker.models.interface import (
    ModelDescription,
    Probabilities,
    ProposedItem,
    UserQueries,
)
from modalmesh_services.fusion_ranker.requests import (
    ExplainRequest,
    FuseRequest,
    Integers,
    ProposeRequest,
    RankRequest,
    UserRequest,
    vectors_at,
)
from modalmesh_services.fusion_ranker.systems.interface import MadeFor, Parts
from modalmesh_services.fusion_ranker.systems.modalmesh.allotting import Reasons
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.serving import ColdServing
from modalmesh_services.fusion_ranker.systems.modalmesh.cold_explaining import ColdExplaining
from modalmesh_services.fusion_ranker.systems.modalmesh.parts import split
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.serving import UNKNOWN, WarmServing

_HISTORY = "history"


def ranker(parts: Parts, made_for: MadeFor, device: Device = CPU) -> "ModalMeshRanker":
    """The device has the warm half's networks and dense matrices; all else is numpy's and scipy's, on the CPU.

    Raises:
        ValueError: these parts are not whole.
    """
    warm, cold = split(parts)
    halves = WarmServing(warm.fitted().on(torch_device(device)), parts.item_ids), ColdServing(cold)
    return ModalMeshRanker(*halves, ColdExplaining(cold), made_for, device)


class ModalMeshRanker:
    """A RankerModel."""

    def __init__(
        self,
        warm: WarmServing,
        cold: ColdServing,
        cold_explaining: ColdExplaining,
        made_for: MadeFor,
        device: Device,
    ) -> None:
        self._warm, self._cold, self._cold_explaining = warm, cold, cold_explaining
        self._description = made_for.description(f"torch-{torch.__version__}/{device.type}/fp32", cold.fused_dim)

    @property
    def description(self) -> ModelDescription:
        return self._description

    def fuse(self, request: FuseRequest) -> FloatMatrix:
        """(N, D) float32: all that scoring a cold item needs."""
        return self._cold.fuse(request)

    def encode_user(self, request: UserRequest) -> UserQueries:
        """One query, by what the crowd would make of the items' content."""
        liked = self._cold.liked(request.history, request.vectors.values)
        if not len(liked.items):
            return UserQueries(np.zeros((0, self._description.fused_dim), np.float32), np.zeros(0, np.float32))
        return UserQueries(self._cold.query(liked)[None], np.ones(1, np.float32))

    def propose(self, request: ProposeRequest) -> Sequence[ProposedItem]:
        """The best of the vocabulary that the history doesn't name, by their log odds."""
        return self._warm.propose(request.history, request.time_ms, request.limit)

    def rank(self, request: RankRequest) -> Probabilities:
        return sigmoid(self._logits(request).astype(np.float64))

    def _logits(self, request: RankRequest) -> Floats:
        """(C,)."""
        rows = self._warm.rows_of(request.candidates.item_ids)
        logits = np.empty(len(rows), np.float32)
        known = rows != UNKNOWN
        if known.any():
            logits[known] = self._warm.logits(request.history, request.time_ms)[rows[known]]
        if not known.all():
            vectors = self._vectors(request, np.flatnonzero(~known))
            liked = self._cold.liked(request.history, request.vectors.values)
            logits[~known] = self._cold.log_odds(liked, vectors)
        return logits

    def explain(self, request: ExplainRequest) -> Sequence[Explanation]:
        """Signals, and items of the history, by leaving each out. Signals add up to the log odds."""
        ranking, places = request.ranking, np.asarray(request.explain, np.int64)
        item_ids = [ranking.candidates.item_ids[place] for place in places]
        rows = self._warm.rows_of(item_ids)
        told: dict[int, Explanation] = {}
        warm, cold = np.flatnonzero(rows != UNKNOWN), np.flatnonzero(rows == UNKNOWN)
        if len(warm):
            history_ids, found = self._warm.reasons(ranking.history, ranking.time_ms, rows[warm])
            told |= _told(warm, item_ids, history_ids, found)
        if len(cold):
            liked = self._cold.liked(ranking.history, ranking.vectors.values)
            vectors = self._vectors(ranking, places[cold])
            history_ids = self._cold_explaining.liked_ids(ranking.history)
            told |= _told(cold, item_ids, history_ids, self._cold_explaining.reasons(liked, vectors))
        return [told[place] for place in range(len(item_ids))]

    def _vectors(self, request: RankRequest, places: Integers) -> FloatMatrix:
        """(E, D) of the candidates at `places`; zeros for one without a vector, of which nothing is known."""
        return vectors_at(request.vectors.values, request.candidates.rows[places], self._description.fused_dim)


def _told(
    places: Integers, item_ids: Sequence[str], history_ids: Sequence[str], reasons: Reasons
) -> dict[int, Explanation]:
    """By place among `item_ids`."""
    return {
        place: explanation(
            item_ids[place],
            float(reasons.bias[row]),
            {name: float(own[row]) for name, own in reasons.signals.items()},
            history_ids,
            {_HISTORY: reasons.history[:, row]},
        )
        for row, place in enumerate(places.tolist())
    }
