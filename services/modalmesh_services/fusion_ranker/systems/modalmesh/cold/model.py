"""What was learned of cold items: content in, log odds out. Knows nothing of a catalogue's rows or of requests."""

from dataclasses import dataclass

import numpy as np

from modalmesh_services.fusion_ranker.dataset.arrays import Floats
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.blend import Blend
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content import Content, Schema
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content_side import ContentSide
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.features import (
    LINEAR_POPULARITY,
    POPULARITY,
    Liked,
    Space,
    features,
    views,
)
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.item_table import ItemTable
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.popularity import Popularity

_CHUNK = 1024


@dataclass(frozen=True, slots=True, eq=False)
class ColdModel:
    """`weights` (p, d + 1) float32: content to an item's factors and log likes. `adds` (d, d): an item's predicted
    factors to what it adds to a user, for items that the crowd doesn't know.
    """

    schema: Schema
    side: ContentSide
    weights: Floats
    adds: Floats
    popularity: Popularity
    space: Space
    blend: Blend
    has_order: bool

    def table(self, content: Content) -> ItemTable:
        """N items as they are scored."""
        described = self.side.describe(content)
        predicted = described.design.times(self.weights)
        numbers = {POPULARITY: self.popularity(described.encoded), LINEAR_POPULARITY: predicted[:, -1]}
        return described.table(np.ones(len(content), np.bool_), predicted[:, :-1], numbers)

    def log_odds(self, liked: Liked, items: ItemTable) -> Floats:
        """(U, N) float32: each item by itself, whatever others are scored beside it."""
        chunks = [slice(start, start + _CHUNK) for start in range(0, len(items), _CHUNK)]
        scored = [self.blend(features(liked, items[chunk], self.space)) for chunk in chunks]
        return np.concatenate([np.zeros((liked.likes.shape[0], 0), np.float32), *scored], axis=1)


def adding(predicted: Floats, history: Floats, widths: tuple[int, ...], penalty: float = 1e-3) -> Floats:
    """(d, d) float32, from predicted factors (n, d) to what the same items add to a user's vector (n, d), view by view.

    `penalty` is a share of the factors' mean square.
    """
    found = np.zeros((predicted.shape[1],) * 2, np.float32)
    for view in views(widths):
        inner = predicted[:, view].T @ predicted[:, view]
        inner[np.diag_indices_from(inner)] += penalty * max(float(np.trace(inner)), 1e-12)
        found[view, view] = np.linalg.solve(inner, predicted[:, view].T @ history[:, view])
    return found
