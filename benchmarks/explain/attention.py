"""How much attention a text encoder of the BERT family gives each word: an order of words to compare with.

The mean over the heads of the last layer, of what all tokens of a text give a token.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modalmesh.types import WordShare


class Attention:
    """The packaged text encoder's own weights, run by torch."""

    def __init__(self, folder: Path) -> None:
        from modalmesh_services.common.backends import torchvision_shim

        # Before transformers imports torchvision.
        torchvision_shim.install()
        from transformers import AutoModel, AutoTokenizer

        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._network: Any = AutoModel.from_pretrained(
            folder, attn_implementation="eager", local_files_only=True
        ).eval()

    def of_words(self, texts: Mapping[str, str], words: Sequence[WordShare]) -> list[float]:
        """Of each word, in a share of its field's attention."""
        by_field = {field: self._characters(text) for field, text in texts.items()}
        return [float(by_field[word.field][word.start : word.end].sum()) for word in words]

    def _characters(self, text: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """(length of the text,): a token's attention, spread over its characters."""
        import torch

        longest = self._network.config.max_position_embeddings
        encoded = self._tokenizer(
            text, return_tensors="pt", return_offsets_mapping=True, truncation=True, max_length=longest
        )
        offsets = encoded.pop("offset_mapping")[0].tolist()
        with torch.inference_mode():
            last = self._network(**encoded, output_attentions=True).attentions[-1]  # (1, heads, T, T)
        given = last[0].mean(dim=(0, 1)).tolist()
        spread = np.zeros(len(text))
        for (start, end), weight in zip(offsets, given, strict=True):
            if end > start:
                spread[start:end] += weight / (end - start)
        return spread
