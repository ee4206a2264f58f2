"""The verb fine-tune: what it asks the training's process, and what it shows of it."""

from pathlib import Path
from typing import Any

import pytest

from modalmesh.errors import InvalidInput
from modalmesh.local import job
from tests.unit.cli.conftest import Verb
from tests.unit.cli.test_cli_documents import documented

RESULT = {
    "weights": "weights",
    "modality": "text",
    "layers": "last:2",
    "seed": 0,
    "base": {"name": "minilm", "fingerprint": "b1"},
    "model": {"fingerprint": "m1", "dim": 384, "build": "openvino-1/cpu/bf16"},
    "data": "d1",
    "items": 2707,
    "users": 547,
    "epochs": [{"number": 1, "loss": 3.31, "auc": 0.64}],
    "best_epoch": 1,
    "base_auc": 0.61,
    "resumed_after": 0,
    "consequences": ["No epoch was better than the base model on held-out items."],
    "seconds": 240.5,
}
STEP = {"stage": "fine-tuning", "done": 1, "total": 5, "loss": 3.31, "validation": 0.64, "validated_by": "auc"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """The modules that were run, with their arguments; each ends well."""
    calls: list[tuple[str, list[str]]] = []

    def run_job(module: str, arguments: list[str], tell: Any, environment: dict[str, str]) -> dict[str, Any]:
        calls.append((module, arguments))
        tell("progress", ["items", 10, 10])
        tell("step", STEP)
        return RESULT

    monkeypatch.setattr(job, "run_job", run_job)
    return calls


def test_the_process_is_asked_with_all_that_was_given(
    verb: Verb, asked: list[tuple[str, list[str]]], tmp_path: Path
) -> None:
    options = ["--modality", "text", "--layers", "last:2", "--out", "weights", "--seed", "4", "--learning-rate", "1e-4"]
    assert verb("fine-tune", str(tmp_path), *options).code == 0
    ((module, arguments),) = asked
    assert module == "modalmesh_services.fine_tuning"
    assert arguments[:3] == [str(tmp_path), "--out", "weights"]
    pairs = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    assert (pairs["--layers"], pairs["--seed"], pairs["--learning-rate"]) == ("last:2", "4", "0.0001")
    assert "--weights" not in pairs


def test_the_document_is_the_processes_and_in_the_manual(
    verb: Verb, asked: list[tuple[str, list[str]]], tmp_path: Path
) -> None:
    outcome = verb("fine-tune", str(tmp_path), "--modality", "text", "--layers", "all", "--out", "weights", "--json")
    assert outcome.document == RESULT
    assert documented(*outcome.document)


def test_people_see_the_epochs_the_spaces_and_the_consequences(
    verb: Verb, asked: list[tuple[str, list[str]]], tmp_path: Path
) -> None:
    outcome = verb("fine-tune", str(tmp_path), "--modality", "text", "--layers", "all", "--out", "weights")
    assert "fine-tuning 1/5  loss 3.3100  auc 0.6400" in outcome.stderr
    for words in (
        "m1",
        "b1",
        "AUC of held-out items 0.6400, base 0.6100",
        "No epoch was better",
        "the weights: weights",
    ):
        assert words in outcome.stdout


@pytest.mark.parametrize("layers", ["some", "last:0", "last:", "all "])
def test_layers_that_are_none_are_wrong_use(verb: Verb, tmp_path: Path, layers: str) -> None:
    outcome = verb("fine-tune", str(tmp_path), "--modality", "text", "--layers", layers, "--out", "weights")
    assert outcome.code == 2
    assert "none, last:N or all" in outcome.stderr


def test_what_the_process_refuses_is_told(verb: Verb, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def run_job(module: str, arguments: list[str], tell: Any, environment: dict[str, str]) -> dict[str, Any]:
        raise InvalidInput("items.jsonl", "no item has a picture", reason="NO_PICTURES")

    monkeypatch.setattr(job, "run_job", run_job)
    outcome = verb("fine-tune", str(tmp_path), "--modality", "image", "--layers", "all", "--out", "w", "--json")
    assert outcome.code == 1
    assert outcome.document["error"]["reason"] == "NO_PICTURES"
