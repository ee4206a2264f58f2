"""What the peers run. Only what their environment has is imported: torch, transformers, Pillow."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

_SIZE = 224
_SHARE = 224 / 256
_MAX_TOKENS = 256
_DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}


class TextModel:
    """A folder in Hugging Face layout: mean over the tokens, length 1."""

    def __init__(self, folder: Path, precision: str) -> None:
        from transformers import AutoModel, AutoTokenizer

        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._network = AutoModel.from_pretrained(folder, torch_dtype=_DTYPES[precision]).eval()

    @torch.inference_mode()
    def __call__(self, texts: Sequence[bytes]) -> npt.NDArray[np.float32]:
        """(B, D) float32."""
        words = [text.decode() for text in texts]
        tokens = self._tokenizer(words, padding=True, truncation=True, max_length=_MAX_TOKENS, return_tensors="pt")
        hidden = self._network(**tokens).last_hidden_state.float()
        weights = tokens["attention_mask"][:, :, None].float()
        pooled = (hidden * weights).sum(1) / weights.sum(1)
        vectors: npt.NDArray[np.float32] = torch.nn.functional.normalize(pooled, dim=-1).numpy()
        return vectors


class ImageModel:
    """A traced network; pictures are decoded, cut and resized as modalmesh does it."""

    def __init__(self, file: Path) -> None:
        self._network = torch.jit.load(file).eval()  # type: ignore[no-untyped-call]

    @torch.inference_mode()
    def __call__(self, files: Sequence[bytes]) -> npt.NDArray[np.float32]:
        """(B, D) float32."""
        pixels = torch.from_numpy(np.stack([_pixels(file) for file in files]))
        vectors: npt.NDArray[np.float32] = self._network(pixels)[0].numpy()
        return vectors


def _pixels(file: bytes) -> npt.NDArray[np.uint8]:
    """(H, W, 3)."""
    from PIL import Image

    with Image.open(io.BytesIO(file)) as opened:
        short = min(opened.size) * _SHARE
        factor = min(1.0, 2 * _SIZE / short)
        opened.draft("RGB", (round(opened.width * factor), round(opened.height * factor)))
        picture = opened.convert("RGB")
    side = min(picture.size) * _SHARE
    left, top = (picture.width - side) / 2, (picture.height - side) / 2
    box = (left, top, left + side, top + side)
    return np.asarray(picture.resize((_SIZE, _SIZE), Image.Resampling.BICUBIC, box, reducing_gap=3.0))


def load(kind: str, path: str, precision: str) -> TextModel | ImageModel:
    """One core is one worker's. A traced network has its precision already."""
    torch.set_num_threads(1)
    return TextModel(Path(path), precision) if kind == "text" else ImageModel(Path(path))
