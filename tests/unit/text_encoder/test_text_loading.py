import json
from pathlib import Path

import numpy as np
import pytest

from modalmesh_services.text_encoder.loading import LoadedText, load
from modalmesh_services.text_encoder.settings import TextEncoderSettings

from .tiny import save_model


def settings(folder: Path, **options: object) -> TextEncoderSettings:
    return TextEncoderSettings.model_validate(
        {"model": str(folder), "precision": "fp32", "model_cache": str(folder.parent / "cache"), **options}
    )


def encode(loaded: LoadedText, *texts: str) -> np.ndarray:
    pooled, _ = loaded.model([tokens for tokens in loaded.tokeniser(texts) if not isinstance(tokens, Exception)], False)
    return pooled


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "mpnet", "electra", "xlm-roberta"])
def test_the_whole_bert_family_loads_from_a_folder(tmp_path: Path, family: str) -> None:
    loaded = load(settings(save_model(tmp_path / family, family)))
    vectors = encode(loaded, "a dog runs", "the red house")
    assert (loaded.dim, vectors.shape) == (16, (2, 16))
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(("family", "usable"), [("bert", 24), ("roberta", 22), ("mpnet", 22)])
def test_a_text_of_all_usable_positions_can_be_encoded(tmp_path: Path, family: str, usable: int) -> None:
    loaded = load(settings(save_model(tmp_path / family, family)))
    assert loaded.tokeniser.max_tokens == usable
    assert np.isfinite(encode(loaded, "dog " * 100)).all()


def test_sentence_transformers_limit_holds(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "m")
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 7}))
    assert load(settings(folder)).tokeniser.max_tokens == 7


def test_more_tokens_than_positions_are_refused(tiny_folder: Path) -> None:
    with pytest.raises(ValueError, match=r"--max-tokens 25: .* 24 positions"):
        load(settings(tiny_folder, max_tokens=25))


def test_cls_pooling_takes_the_first_token(tiny_folder: Path) -> None:
    loaded = load(settings(tiny_folder, pooling="cls"))
    tokens = [text for text in loaded.tokeniser(["a dog runs"]) if not isinstance(text, Exception)]
    pooled, hidden = loaded.model(tokens, True)
    assert hidden is not None
    assert np.allclose(pooled[0], hidden[0, 0] / np.linalg.norm(hidden[0, 0]), atol=1e-5)


def test_the_fingerprint_is_the_same_for_a_copy_in_another_precision(tmp_path: Path, tiny_folder: Path) -> None:
    first = load(settings(tiny_folder))
    second = load(settings(save_model(tmp_path / "copy"), precision="bf16"))
    assert first.fingerprint == second.fingerprint
    assert first.placement.build != second.placement.build


@pytest.mark.parametrize("options", [{"pooling": "cls"}, {"max_tokens": 9}])
def test_what_changes_vectors_changes_the_fingerprint(tiny_folder: Path, options: dict[str, object]) -> None:
    assert load(settings(tiny_folder)).fingerprint != load(settings(tiny_folder, **options)).fingerprint


def test_other_weights_have_another_fingerprint(tmp_path: Path, tiny_folder: Path) -> None:
    other = save_model(tmp_path / "m", num_hidden_layers=1)
    assert load(settings(tiny_folder)).fingerprint != load(settings(other)).fingerprint


def test_torn_weights_are_refused(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "m")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises((OSError, ValueError), match="m"):
        load(settings(folder))


def test_a_pickle_is_not_loaded_in_place_of_safetensors(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "m")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises((OSError, ValueError)):
        load(settings(folder))
