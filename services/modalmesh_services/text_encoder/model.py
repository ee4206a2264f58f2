"""Tokens in, token vectors and one pooled vector a text out."""

from collections.abc import Sequence

import numpy as np

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.common.backends.step import Arrays, Step
from modalmesh_services.text_encoder.tokens import Tokens

# A converted network makes kernels for every shape that it meets, which takes 2 to 4 ms and, for odd lengths, is not
# worth it: texts are padded to one of few lengths. Up to so many tokens these lie close.
_SHORT, _SHORT_STEP, _LONG_STEP = 32, 4, 8


class TextModel:
    """Pads texts and runs them on the device. Threads may share it.

    `few_lengths`: pads to one of few lengths, where the backend is faster so. None is above `max_tokens`.
    """

    def __init__(self, step: Step, pad_id: int, max_tokens: int, few_lengths: bool) -> None:
        self._step = step
        self._pad_id = pad_id
        self._max_tokens = max_tokens
        self._few_lengths = few_lengths

    def padded_length(self, length: int) -> int:
        """What a text of so many tokens is padded to at least."""
        if not self._few_lengths:
            return length
        step = _SHORT_STEP if length <= _SHORT else _LONG_STEP
        return min(-(-length // step) * step, max(length, self._max_tokens))

    def __call__(self, batch: Sequence[Tokens], tokens: bool) -> tuple[FloatMatrix, FloatMatrix | None]:
        """Pooled vectors (B, D) float32 of length 1, and the token vectors (B, T, D) float32 where asked for."""
        longest = max(len(text.ids) for text in batch)
        pooled, hidden = self._step(self._pad(batch, self.padded_length(longest)), tokens)
        return pooled, None if hidden is None else hidden[:, :longest]

    def _pad(self, batch: Sequence[Tokens], length: int) -> Arrays:
        """Token ids and mask, both (B, length) int64."""
        ids = np.full((len(batch), length), self._pad_id, np.int64)
        mask = np.zeros((len(batch), length), np.int64)
        for row, text in enumerate(batch):
            ids[row, : len(text.ids)] = text.ids
            mask[row, : len(text.ids)] = 1
        return ids, mask
