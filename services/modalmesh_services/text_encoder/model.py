"""Tokens in, token vectors and one pooled vector a text out."""

from collections.abc import Sequence

import numpy as np

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.common.step import Arrays, Step
from modalmesh_services.text_encoder.tokens import Tokens


class TextModel:
    """Pads texts and runs them on the device. Threads may share it."""

    def __init__(self, step: Step, pad_id: int) -> None:
        self._step = step
        self._pad_id = pad_id

    def __call__(self, batch: Sequence[Tokens], tokens: bool) -> tuple[FloatMatrix, FloatMatrix | None]:
        """Pooled vectors (B, D) float32 of length 1, and the token vectors (B, T, D) float32 where asked for."""
        return self._step(self._pad(batch), tokens)

    def _pad(self, batch: Sequence[Tokens]) -> Arrays:
        """Token ids and mask, both (B, T) int64, T being the longest text's."""
        longest = max(len(text.ids) for text in batch)
        ids = np.full((len(batch), longest), self._pad_id, np.int64)
        mask = np.zeros((len(batch), longest), np.int64)
        for row, text in enumerate(batch):
            ids[row, : len(text.ids)] = text.ids
            mask[row, : len(text.ids)] = 1
        return ids, mask
