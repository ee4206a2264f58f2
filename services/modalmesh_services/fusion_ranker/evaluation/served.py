"""A ranker as it is served, measured like what was fitted: it is asked as the gateway asks it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from modalmesh.embeddings import Embeddings, ModelId
from modalmesh.types import Modality
from modalmesh_services.fusion_ranker import requests
from modalmesh_services.fusion_ranker.dataset import Catalogue, History
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats, Indexes, Times
from modalmesh_services.fusion_ranker.dataset.catalogue import NO_TIME
from modalmesh_services.fusion_ranker.models.interface import RankerModel

_FUSED_AT_ONCE = 1000
_MOST_CANDIDATES = 20_000
"""Ranked at once. What a model finds out about candidates as a whole is of all of them up to here."""


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """`vectors` (N, D) float32 are the catalogue's items that are `fused` (N,) bool: what has neither text nor picture
    has none in the gateway. `event_counts` (N,) int64.
    """

    model: RankerModel
    catalogue: Catalogue
    vectors: Embeddings
    fused: Flags
    event_counts: requests.Integers

    @classmethod
    def of(cls, model: RankerModel, catalogue: Catalogue, event_counts: requests.Integers) -> Self:
        about = model.description
        fused = catalogue.text.present() | catalogue.image.present()
        vectors, rows = np.zeros((len(catalogue), about.fused_dim), np.float32), np.flatnonzero(fused)
        for start in range(0, len(rows), _FUSED_AT_ONCE):
            portion = rows[start : start + _FUSED_AT_ONCE]
            vectors[portion] = model.fuse(_fuse_request(model, catalogue, portion.tolist()))
        return cls(model, catalogue, Embeddings(vectors, ModelId(about.name, about.revision)), fused, event_counts)

    def serving(self, catalogue: Catalogue) -> Self:
        return self if catalogue is self.catalogue else self.of(self.model, catalogue, self.event_counts)

    def score(self, histories: Sequence[History], times_ms: Times) -> Floats:
        """(U, N) float32 probabilities."""
        return np.stack([self._rank(history, now) for history, now in zip(histories, times_ms.tolist(), strict=True)])

    def probabilities(self, scores: Floats, histories: Sequence[History], times_ms: Times) -> Floats:
        return scores

    def _rank(self, history: History, now_ms: int) -> Floats:
        asked, count = self._history(history), len(self.catalogue)
        chunks = (np.arange(start, min(start + _MOST_CANDIDATES, count)) for start in range(0, count, _MOST_CANDIDATES))
        ranked = [
            self.model.rank(requests.RankRequest(self.vectors, asked, self._candidates(rows), now_ms))
            for rows in chunks
        ]
        return np.concatenate(ranked).astype(np.float32)

    def _history(self, history: History) -> requests.History:
        return requests.History(
            [self.catalogue.item_ids[row] for row in history.items.tolist()],
            self._fused_rows(history.items.astype(np.int64)),
            history.times_ms,
            ["event" if np.isnan(rating) else "rating" for rating in history.ratings],
            history.ratings.astype(np.float64),
            history.positive,
        )

    def _candidates(self, rows: requests.Integers) -> requests.Candidates:
        times = self.catalogue.times_ms[rows]
        return requests.Candidates(
            [self.catalogue.item_ids[row] for row in rows.tolist()],
            self._fused_rows(rows),
            np.where(times == NO_TIME, np.nan, times.astype(np.float64)),
            self.event_counts[rows],
        )

    def _fused_rows(self, rows: requests.Integers) -> requests.Integers:
        return np.where(self.fused[rows], rows, requests.NO_ROW)


def _fuse_request(model: RankerModel, catalogue: Catalogue, rows: Sequence[int]) -> requests.FuseRequest:
    """Of `rows`, ascending; the items between them have no tokens."""
    all_rows = range(rows[0], rows[-1] + 1)
    said, shown = (_rows_of(tokens.items, all_rows) for tokens in (catalogue.text, catalogue.image))
    items = []
    for row in rows:
        texts = [
            requests.TextToken(catalogue.text.kind_names[catalogue.text.kinds[at]], at - said.start)
            for at in _rows_of(catalogue.text.items, range(row, row + 1))
        ]
        images = [
            requests.ImageToken("frame" if catalogue.image.kind_names[kind] == "frame" else "picture", at - shown.start)
            for at in _rows_of(catalogue.image.items, range(row, row + 1))
            for kind in [catalogue.image.kinds[at]]
        ]
        time_ms = int(catalogue.times_ms[row])
        tokens: dict[Modality, Sequence[object]] = {"text": texts, "image": images}
        items.append(
            requests.ItemTokens(
                catalogue.item_ids[row],
                texts,
                images,
                catalogue.attributes.of_item(row),
                None if time_ms == NO_TIME else time_ms,
                [modality for modality, own in tokens.items() if not own],
            )
        )
    about = model.description
    return requests.FuseRequest(
        Embeddings(catalogue.text.vectors[said.start : said.stop], ModelId("", about.text_fingerprint)),
        Embeddings(catalogue.image.vectors[shown.start : shown.stop], ModelId("", about.image_fingerprint)),
        items,
    )


def _rows_of(owners: Indexes, items: range) -> range:
    """Rows of tokens, whose `owners` (T,) ascend."""
    return range(*np.searchsorted(owners, [items.start, items.stop]).tolist())
