"""A BERT-family network: tokens in, token vectors and one pooled vector a text out."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.common.device import Placement
from modalmesh_services.text_encoder.tokens import Tokens


class TextModel:
    """Runs a transformers encoder on one device. Threads may share it."""

    def __init__(self, network: nn.Module, pooling: Literal["mean", "cls"], pad_id: int, placement: Placement) -> None:
        self._network = network.eval().to(device=placement.device, dtype=placement.dtype)
        self._pooling = pooling
        self._pad_id = pad_id
        self._device = placement.device

    @torch.inference_mode()
    def __call__(self, batch: Sequence[Tokens], tokens: bool) -> tuple[FloatMatrix, FloatMatrix | None]:
        """Pooled vectors (B, D) float32 of length 1, and the token vectors (B, T, D) float32 where asked for."""
        ids, mask = self._pad(batch)
        output: Any = self._network(input_ids=ids, attention_mask=mask)
        hidden: Tensor = output.last_hidden_state.float()  # (B, T, D)
        pooled = nn.functional.normalize(self._pool(hidden, mask), dim=-1).cpu().numpy()
        return pooled, hidden.cpu().numpy() if tokens else None

    def _pad(self, batch: Sequence[Tokens]) -> tuple[Tensor, Tensor]:
        """Token ids and mask, both (B, T) int64, T being the longest text's."""
        longest = max(len(text.ids) for text in batch)
        ids = np.full((len(batch), longest), self._pad_id, np.int64)
        mask = np.zeros((len(batch), longest), np.int64)
        for row, text in enumerate(batch):
            ids[row, : len(text.ids)] = text.ids
            mask[row, : len(text.ids)] = 1
        return torch.from_numpy(ids).to(self._device), torch.from_numpy(mask).to(self._device)

    def _pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """(B, T, D) and (B, T) to (B, D): the first token's vector, or the mean over the tokens that are no padding."""
        if self._pooling == "cls":
            return hidden[:, 0]
        weights = mask[:, :, None].to(hidden.dtype)
        return (hidden * weights).sum(dim=1) / weights.sum(dim=1)
