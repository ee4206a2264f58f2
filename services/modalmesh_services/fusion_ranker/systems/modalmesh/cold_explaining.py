"""Why a cold item got its log odds: by kinds of content, and by the items of the history."""

from dataclasses import replace

import numpy as np
from scipy import sparse

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.fusion_ranker.requests import NO_ROW, History
from modalmesh_services.fusion_ranker.systems.interface import Parts
from modalmesh_services.fusion_ranker.systems.modalmesh.allotting import Numbers, Reasons, allotted
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content import IMAGE
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.features import (
    LINEAR_POPULARITY,
    POPULARITY,
    YEAR,
    Liked,
)
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.fused import Layout
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.item_table import ItemTable
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.kept import KeptCold
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.kinds import TEXT

CROWD, PICTURES, TEXTS, ATTRIBUTES, POPULAR, TIME = "collaborative", "image", "text", "attributes", "popularity", "time"
"""`collaborative` is what the crowd would make of the content."""

_NUMBERS = {POPULARITY: POPULAR, LINEAR_POPULARITY: POPULAR, YEAR: TIME}
_SIGNALS = (CROWD, TEXTS, PICTURES, ATTRIBUTES, POPULAR, TIME)


class ColdExplaining:
    def __init__(self, parts: Parts) -> None:
        """Raises:
        ValueError: these parts are not whole.
        """
        kept = KeptCold.of(parts)
        self._known = {parts.item_ids[row] for row in kept.rows.tolist()}
        self._model = kept.model
        self._layout = Layout.of(self._model)

    def liked_ids(self, history: History) -> list[str]:
        """Whose contributions `reasons` tells: the items of ColdServing's `liked`, in its order."""
        places = np.flatnonzero(history.positive).tolist()
        ids = [history.item_ids[place] for place in places]
        rows = history.rows[places]
        known = [item_id for item_id, row in zip(ids, rows, strict=True) if row != NO_ROW or item_id in self._known]
        return list(dict.fromkeys(known))

    def reasons(self, liked: Liked, vectors: FloatMatrix) -> Reasons:
        """Of items by their fused vectors (E, D); `liked` is one user's."""
        items = self._layout.unpack(vectors)
        variants = [items, *(_without(items, {signal}) for signal in _SIGNALS), _without(items, set(_SIGNALS))]
        whole, *without, nothing = (self._log_odds(liked, variant)[0] for variant in variants)
        signals = allotted(whole, np.stack(without), nothing)
        return Reasons(nothing, dict(zip(_SIGNALS, signals, strict=True)), self._history(liked, items, whole))

    def _history(self, liked: Liked, items: ItemTable, whole: Numbers) -> Numbers:
        """(J, E): the log odds less those without each liked item."""
        count = liked.likes.shape[1]
        if not count:
            return np.zeros((0, len(items)))
        others = sparse.csr_array(1 - np.eye(count, dtype=np.float32))
        years = (np.repeat(liked.first_year, count), np.repeat(liked.last_year, count))
        without = replace(liked, likes=others, first_year=years[0], last_year=years[1])
        return whole - self._log_odds(without, items)

    def _log_odds(self, liked: Liked, items: ItemTable) -> Numbers:
        return self._model.log_odds(liked, items).astype(np.float64)


def _without(items: ItemTable, away: set[str]) -> ItemTable:
    """As if nothing were known of the signals `away`: zero vectors, no popularity, the year that years count from."""
    factors = np.zeros_like(items.factors) if CROWD in away else items.factors
    kinds = {name: np.zeros_like(own) if _signal(name) in away else own for name, own in items.kinds.items()}
    numbers = {name: np.zeros_like(own) if _NUMBERS.get(name) in away else own for name, own in items.numbers.items()}
    return ItemTable(factors, kinds, numbers)


def _signal(kind: str) -> str:
    if kind == IMAGE:
        return PICTURES
    return TEXTS if kind.startswith(TEXT) else ATTRIBUTES
