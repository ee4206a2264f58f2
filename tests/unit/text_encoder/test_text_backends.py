import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from modalmesh.embeddings import FloatMatrix
from modalmesh_services.text_encoder.loading import LoadedText, load
from modalmesh_services.text_encoder.settings import TextEncoderSettings
from modalmesh_services.text_encoder.tokens import Tokens

from .tiny import save_model

TEXTS = ["a dog runs", "the red house", "dog " * 15, "cats", "the blue cat sleeps in a house that a dog likes"]
SENTENCES = ["A dog runs through the park.", "Interest rates rose by a quarter of a point.", "x"]
LONG = ["dog " * 300]


def settings(model: str | Path, cache: Path, **options: object) -> TextEncoderSettings:
    return TextEncoderSettings.model_validate({"model": str(model), "model_cache": str(cache), **options})


def encode(loaded: LoadedText, texts: list[str]) -> tuple[FloatMatrix, FloatMatrix]:
    pooled, hidden = loaded.model([one for one in loaded.tokeniser(texts) if isinstance(one, Tokens)], True)
    assert hidden is not None
    return pooled, hidden


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> LoadedText:
    """The packaged model in float32 by torch: what all others are compared with."""
    return load(settings("packaged", tmp_path_factory.mktemp("cache"), backend="torch", precision="fp32"))


@pytest.mark.parametrize(
    "build", ["torch/bf16", "openvino/fp32", pytest.param("openvino/bf16", marks=pytest.mark.slow)]
)
def test_every_build_of_the_packaged_model_keeps_its_vectors(tmp_path: Path, exact: LoadedText, build: str) -> None:
    backend, precision = build.split("/")
    loaded = load(settings("packaged", tmp_path, backend=backend, precision=precision))
    assert loaded.placement.build.split("-")[0] + "/" + loaded.placement.precision == build
    # The long one alone: a processor without bf16 is slow at it, and at whatever is padded to its length.
    for texts in (SENTENCES, LONG):
        (pooled, hidden), (expected, expected_hidden) = encode(loaded, texts), encode(exact, texts)
        assert (pooled * expected).sum(axis=1).min() >= 0.999
        assert np.abs(hidden[0, :8] - expected_hidden[0, :8]).max() < 0.2


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "mpnet", "electra", "xlm-roberta"])
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_openvino_runs_the_whole_bert_family(tmp_path: Path, family: str, pooling: str) -> None:
    folder = save_model(tmp_path / family, family)
    fast = load(settings(folder, tmp_path / "cache", pooling=pooling, backend="openvino", precision="fp32"))
    plain = load(settings(folder, tmp_path / "cache", pooling=pooling, backend="torch", precision="fp32"))
    (pooled, hidden), (expected, expected_hidden) = encode(fast, TEXTS), encode(plain, TEXTS)
    assert np.allclose(pooled, expected, atol=1e-4)
    assert np.allclose(hidden[2], expected_hidden[2], atol=1e-4)


def test_a_second_start_has_the_same_model_and_tokenizer(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "m")
    first, second = (load(settings(folder, tmp_path / "cache")) for _ in range(2))
    assert (first.fingerprint, first.placement, first.dim) == (second.fingerprint, second.placement, second.dim)
    assert first.tokeniser(TEXTS) == second.tokeniser(TEXTS)
    assert np.allclose(encode(first, TEXTS)[0], encode(second, TEXTS)[0], atol=1e-3)


def test_a_second_start_imports_neither_torch_nor_transformers(tmp_path: Path) -> None:
    load(settings(save_model(tmp_path / "m"), tmp_path / "cache"))
    code = (
        "import sys; from modalmesh_services.text_encoder import __main__, loading, settings;"
        "loading.load(settings.TextEncoderSettings());"
        "assert not {'torch', 'transformers', 'torchvision'} & set(sys.modules)"
    )
    names = {"MODEL": str(tmp_path / "m"), "MODEL_CACHE": str(tmp_path / "cache")}
    environment = {f"MODALMESH_TEXT_ENCODER_{name}": value for name, value in names.items()}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)


def test_changed_weights_are_converted_anew(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "m")
    first = load(settings(folder, tmp_path / "cache"))
    save_model(folder, num_hidden_layers=1)
    second = load(settings(folder, tmp_path / "cache"))
    assert first.fingerprint != second.fingerprint
    assert not np.allclose(encode(first, TEXTS)[0], encode(second, TEXTS)[0], atol=1e-2)


def test_a_limit_that_changed_beside_the_weights_is_seen(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "m")
    load(settings(folder, tmp_path / "cache"))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 7}')
    assert load(settings(folder, tmp_path / "cache")).tokeniser.max_tokens == 7


def test_openvino_on_a_gpu_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modalmesh_services.common.backends.device._cuda_devices", lambda: 1)
    with pytest.raises(ValueError, match="--backend openvino runs on a CPU only"):
        load(settings("packaged", tmp_path, backend="openvino", device="cuda"))
