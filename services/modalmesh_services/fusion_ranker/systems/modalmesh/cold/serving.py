"""The cold half as the ranker service uses it: items by their fused vectors, users by the items that they liked."""

import numpy as np
from scipy import sparse

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.fusion_ranker.dataset.arrays import Floats
from modalmesh_services.fusion_ranker.requests import NO_ROW, FuseRequest, History, vectors_at
from modalmesh_services.fusion_ranker.systems.interface import Parts
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content import content_of_request, years
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.crowd_factors import users_of
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.features import POPULARITY, Liked, views
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.fused import Layout, nothing_known
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.kept import KeptCold

_POPULARITY_SHARE = 0.5
"""How much popularity counts in retrieval, beside scores that each vary by 1 within a user."""


class ColdServing:
    """Fuses items, reads histories and scores candidates; all of it is numpy."""

    def __init__(self, parts: Parts) -> None:
        """Raises:
        ValueError: these parts are not whole.
        """
        kept = KeptCold.of(parts)
        self._model, self._adds, self._log_likes = kept.model, kept.adds, kept.log_likes
        self._known = {parts.item_ids[row]: place for place, row in enumerate(kept.rows.tolist())}
        self._layout = Layout.of(kept.model)

    @property
    def fused_dim(self) -> int:
        return self._layout.dim

    def fuse(self, request: FuseRequest) -> FloatMatrix:
        """(N, fused_dim) float32; zeros for an item of which nothing is known."""
        table = self._model.table(content_of_request(request, self._model.schema))
        vectors = self._layout.pack(table)
        vectors[nothing_known(table)] = 0
        return vectors

    def liked(self, history: History, vectors: FloatMatrix) -> Liked:
        """What a history says, once an item. An item without a vector counts if the crowd knows it."""
        places: dict[str, int] = {}
        for event in np.flatnonzero(history.positive).tolist():
            item_id = history.item_ids[event]
            if history.rows[event] != NO_ROW or item_id in self._known:
                places[item_id] = event
        items = self._layout.unpack(vectors_at(vectors, history.rows[list(places.values())], self._layout.dim))
        adds, log_likes = items.factors @ self._model.adds, items.numbers[POPULARITY].copy()
        for place, item_id in enumerate(places):
            if item_id in self._known:
                adds[place] = self._adds[self._known[item_id]]
                log_likes[place] = self._log_likes[self._known[item_id]]
        likes = sparse.csr_array(np.ones((1, len(places)), np.float32))
        return Liked(likes, items, adds, log_likes, *self._ends(history))

    def log_odds(self, liked: Liked, vectors: FloatMatrix) -> Floats:
        """(C,) float32 of candidates' vectors (C, fused_dim): the log odds of each, whatever the others are."""
        found: Floats = self._model.log_odds(liked, self._layout.unpack(vectors))[0]
        return found

    def query(self, liked: Liked) -> Floats:
        """(fused_dim,) float32: products with it find candidates, by the crowd's views that lead and by popularity."""
        query = np.zeros(self._layout.dim, np.float32)
        user = users_of(liked.likes, liked.adds)[0]
        space = self._model.space
        for place, (view, moments) in enumerate(zip(views(space.widths), space.factors, strict=True)):
            spread = float(np.linalg.norm(user[view] @ moments.root))
            if place in (0, 2) and spread > 1e-6:
                query[view] = user[view] / spread
        query[self._layout.number_column(POPULARITY)] = _POPULARITY_SHARE * self._layout.scale
        return query

    def _ends(self, history: History) -> tuple[Floats, Floats]:
        times = history.times_ms[history.positive]
        if not self._model.has_order or not len(times):
            return np.full(1, np.nan, np.float32), np.full(1, np.nan, np.float32)
        first, last = years(np.array([times.min(), times.max()], np.float64))
        return np.array([first]), np.array([last])
