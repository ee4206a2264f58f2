"""A text encoder's base model to be trained."""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from modalmesh.types import Item
from modalmesh_services.fine_tuning.encoder import InputStore
from modalmesh_services.text_encoder.folder import find_folder
from modalmesh_services.text_encoder.loading import read_base
from modalmesh_services.text_encoder.network import load_body, load_head, pool
from modalmesh_services.text_encoder.tokens import Tokeniser, Tokens

# More of a text is cut off in training, where its cost is several times that of encoding; services read on.
_MOST_TOKENS = 128
_MICRO_BATCH = 32
_COPIED = (".json", ".txt", ".model")
_ST = "sentence_transformers.models"
_POOLING, _DENSE = "1_Pooling", "2_Dense"


class _Texts(list[npt.NDArray[np.int32]]):
    """Token ids (T,) by number."""

    def add(self, prepared: npt.NDArray[np.int32]) -> None:
        self.append(prepared)


class TunableText:
    """A BERT-family model, pooled as its folder says."""

    def __init__(self, model: str, device: torch.device) -> None:
        """Raises OSError or ValueError: the folder lacks something, or holds what isn't supported."""
        self._folder = find_folder(model)
        base = read_base(self._folder)
        self.name, self.fingerprint, self._pooling = self._folder.name, base.fingerprint, base.pooling
        self._pad_id = base.pad_id
        self._tokeniser = Tokeniser(base.tokenizer, min(base.max_tokens, _MOST_TOKENS))
        self._device = device
        # What a folder lacks, such as an unused pooler, is drawn by chance: the same one each time.
        torch.manual_seed(0)
        self.network: Any = load_body(self._folder, base.config).float().to(device)
        head = load_head(self._folder)
        self.head: nn.Linear | None = None if head is None else head.float().to(device)
        self.dim = int(base.config.hidden_size)

    def prepare(self, item: Item) -> Iterator[npt.NDArray[np.int32] | None]:
        for tokens in self._tokeniser(list(item.text_fields().values())):
            yield np.array(tokens.ids, np.int32) if isinstance(tokens, Tokens) else None

    def store(self) -> InputStore:
        return _Texts()

    def pooled(self, inputs: Sequence[npt.NDArray[np.int32]]) -> Tensor:
        """Sorted by length and some at a time, so that little is padded."""
        order = np.argsort([len(ids) for ids in inputs], kind="stable")
        parts = [order[start : start + _MICRO_BATCH] for start in range(0, len(order), _MICRO_BATCH)]
        vectors = torch.cat([self._padded([inputs[row] for row in part]) for part in parts])
        return vectors[torch.from_numpy(np.argsort(order, kind="stable")).to(self._device)]

    def _padded(self, inputs: Sequence[npt.NDArray[np.int32]]) -> Tensor:
        ids = np.full((len(inputs), max(map(len, inputs))), self._pad_id, np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(inputs):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        on_device = [torch.from_numpy(array).to(self._device) for array in (ids, mask)]
        hidden = self.network(input_ids=on_device[0], attention_mask=on_device[1]).last_hidden_state
        return pool(hidden, on_device[1], self._pooling)

    def write(self, folder: Path) -> None:
        self.network.save_pretrained(folder)
        own = {path.name for path in folder.iterdir()}
        for path in sorted(self._folder.path.iterdir()):
            if path.suffix in _COPIED and path.name not in own and not path.name.endswith(".index.json"):
                shutil.copyfile(path, folder / path.name)
        if (pooling := self._folder.path / _POOLING / "config.json").is_file():
            (folder / _POOLING).mkdir()
            shutil.copyfile(pooling, folder / _POOLING / "config.json")
        if self.head is not None:
            self._write_head(folder, self.head)

    def _write_head(self, folder: Path, head: nn.Linear) -> None:
        """As sentence-transformers does, which needs the pooling said for it as well."""
        kinds = {"Transformer": "", "Pooling": _POOLING, "Dense": _DENSE, "Normalize": "3_Normalize"}
        modules = [
            {"idx": place, "name": str(place), "path": path, "type": f"{_ST}.{kind}"}
            for place, (kind, path) in enumerate(kinds.items())
        ]
        pooling = {
            "word_embedding_dimension": self.dim,
            "pooling_mode_cls_token": self._pooling == "cls",
            "pooling_mode_mean_tokens": self._pooling == "mean",
        }
        dense = {
            "in_features": head.in_features,
            "out_features": head.out_features,
            "bias": head.bias is not None,
            "activation_function": "torch.nn.modules.linear.Identity",
        }
        for part in (_POOLING, _DENSE):
            (folder / part).mkdir(exist_ok=True)
        _write_json(folder / "modules.json", modules)
        _write_json(folder / _POOLING / "config.json", pooling)
        _write_json(folder / _DENSE / "config.json", dense)
        tensors = {f"linear.{name}": tensor.contiguous().cpu() for name, tensor in head.state_dict().items()}
        save_file(tensors, folder / _DENSE / "model.safetensors")


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
