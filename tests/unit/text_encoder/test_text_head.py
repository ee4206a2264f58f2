"""A linear map behind the pooling, as sentence-transformers keeps one."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from modalmesh_services.text_encoder.folder import ModelFolder
from modalmesh_services.text_encoder.loading import LoadedText, load
from modalmesh_services.text_encoder.settings import TextEncoderSettings
from modalmesh_services.text_encoder.tokens import Tokens

from .tiny import save_model

TEXTS = ["a dog runs", "the red house", "cats"]
MODULES = ("Transformer", "Pooling", "Dense", "Normalize")


def add_head(
    folder: Path, weight: torch.Tensor, activation: str = "Identity", modules: tuple[str, ...] = MODULES
) -> Path:
    paths = {"Dense": "2_Dense", "Pooling": "1_Pooling"}
    listed = [{"type": f"sentence_transformers.models.{kind}", "path": paths.get(kind, "")} for kind in modules]
    (folder / "modules.json").write_text(json.dumps(listed))
    (folder / "2_Dense").mkdir(exist_ok=True)
    outputs, inputs = weight.shape
    config = {
        "in_features": inputs,
        "out_features": outputs,
        "bias": False,
        "activation_function": f"torch.nn.modules.linear.{activation}",
    }
    (folder / "2_Dense/config.json").write_text(json.dumps(config))
    save_file({"linear.weight": weight}, folder / "2_Dense/model.safetensors")
    return folder


def load_from(folder: Path, backend: str = "torch") -> LoadedText:
    options = {
        "model": str(folder),
        "precision": "fp32",
        "backend": backend,
        "model_cache": str(folder.parent / "cache"),
    }
    return load(TextEncoderSettings.model_validate(options))


def encode(loaded: LoadedText) -> tuple[np.ndarray, np.ndarray]:
    pooled, hidden = loaded.model([one for one in loaded.tokeniser(TEXTS) if isinstance(one, Tokens)], True)
    assert hidden is not None
    return pooled, hidden


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_a_head_maps_pooled_vectors_and_those_of_tokens(tmp_path: Path, backend: str) -> None:
    weight = torch.randn(12, 16, generator=torch.Generator().manual_seed(1))
    plain, plain_tokens = encode(load_from(save_model(tmp_path / "plain")))
    loaded = load_from(add_head(save_model(tmp_path / "headed"), weight), backend)
    pooled, tokens = encode(loaded)
    mapped = plain @ weight.numpy().T
    assert loaded.dim == 12
    assert np.allclose(pooled, mapped / np.linalg.norm(mapped, axis=1, keepdims=True), atol=1e-5)
    assert np.allclose(tokens, plain_tokens @ weight.numpy().T, atol=1e-4)


def test_another_head_is_another_space(tmp_path: Path) -> None:
    folder = add_head(save_model(tmp_path / "m"), torch.eye(16))
    first = load_from(folder).fingerprint
    assert load_from(add_head(folder, 2 * torch.eye(16))).fingerprint != first


def test_a_head_that_is_not_linear_is_refused(tmp_path: Path) -> None:
    folder = add_head(save_model(tmp_path / "m"), torch.eye(16), activation="Tanh")
    with pytest.raises(ValueError, match="Tanh is not supported"):
        load_from(folder)


def test_a_head_before_the_pooling_is_refused(tmp_path: Path) -> None:
    add_head(tmp_path, torch.eye(16), modules=("Transformer", "Dense", "Pooling"))
    with pytest.raises(ValueError, match="only in the order"):
        ModelFolder(tmp_path, "m").head()


def test_pickled_heads_do_not_count(tmp_path: Path) -> None:
    folder = add_head(tmp_path, torch.eye(16))
    (folder / "2_Dense/model.safetensors").rename(folder / "2_Dense/pytorch_model.bin")
    with pytest.raises(ValueError, match=r"no model\.safetensors"):
        ModelFolder(folder, "m").head()


@pytest.mark.parametrize("torn", [b"\x08\x00\x00", None])
def test_a_head_that_does_not_fit_is_refused(tmp_path: Path, torn: bytes | None) -> None:
    folder = add_head(save_model(tmp_path / "m"), torch.eye(16))
    weights = folder / "2_Dense/model.safetensors"
    if torn:
        weights.write_bytes(torn)
    else:
        save_file({"linear.weight": torch.eye(4)}, weights)
    with pytest.raises(ValueError, match="can't be read"):
        load_from(folder)
