"""The verb train: what it asks the training's process, and what it shows of it."""

from pathlib import Path
from typing import Any

import pytest

from modalmesh.errors import InvalidInput
from modalmesh.local import job
from modalmesh.tls import Tls, tls_of_environment
from tests.certificates import Authority
from tests.unit.cli.conftest import Verb
from tests.unit.cli.test_cli_documents import documented

RESULT = {
    "bundle": "films.bundle",
    "system": "modalmesh",
    "revision": "r1",
    "data": {"items": 1200, "users": 30, "events": 4000},
    "stages": {"warm": {"steps": 3, "loss": 0.5, "validation": 0.15, "validated_by": "ndcg@10"}},
    "consequences": ["No item has a picture: nothing is learned from pictures."],
    "seconds": 61.5,
}
STEP = {"stage": "warm", "done": 3, "total": 12, "loss": 0.5, "validation": 0.15, "validated_by": "ndcg@10"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """The modules that were run, with their arguments; each ends well."""
    calls: list[tuple[str, list[str]]] = []

    def run_job(module: str, arguments: list[str], tell: Any, environment: dict[str, str]) -> dict[str, Any]:
        calls.append((module, arguments))
        tell("progress", ["items.jsonl", 10, 10])
        tell("note", "All timestamps are equal.")
        tell("step", STEP)
        return RESULT

    monkeypatch.setattr(job, "run_job", run_job)
    return calls


def test_it_asks_for_what_was_given_and_no_more(
    verb: Verb, tmp_path: Path, home: Path, asked: list[tuple[str, list[str]]]
) -> None:
    verb("train", str(tmp_path), "--out", "b", "--json")
    chosen = ["--system", "my.toml", "--epochs", "5", "--seed", "0", "--device", "cpu", "--address", "h:1"]
    verb("train", str(tmp_path), "--out", "b", *chosen)
    (module, plain), (_, full) = asked
    assert module == "modalmesh_services.fusion_ranker.training"
    assert plain == [str(tmp_path), "--out", "b", "--home", str(home), "--namespace", "default"]
    assert full[5:] == [*chosen, "--namespace", "default"]


def test_the_process_is_told_how_to_speak_tls(verb: Verb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ca = Authority.create(tmp_path).ca_file
    told: list[dict[str, str]] = []

    def run_job(module: str, arguments: list[str], tell: Any, environment: dict[str, str]) -> dict[str, Any]:
        told.append(environment)
        return RESULT

    monkeypatch.setattr(job, "run_job", run_job)
    verb("train", str(tmp_path), "--out", "b", "--tls-ca", ca)
    assert [tls_of_environment(each) for each in told] == [Tls(ca)]


@pytest.mark.usefixtures("asked")
def test_its_document_is_the_only_thing_on_stdout(verb: Verb, tmp_path: Path) -> None:
    outcome = verb("train", str(tmp_path), "--out", "b", "--json")
    assert (outcome.code, outcome.document) == (0, RESULT)
    assert documented(*outcome.document)


@pytest.mark.usefixtures("asked")
def test_steps_and_notes_are_shown_as_they_come(verb: Verb, tmp_path: Path) -> None:
    outcome = verb("train", str(tmp_path), "--out", "b")
    assert outcome.stderr.splitlines() == [
        "items.jsonl: 10 of 10",
        "All timestamps are equal.",
        "warm 3/12  loss 0.5000  ndcg@10 0.1500",
    ]
    assert "the bundle: films.bundle; its curves: films.bundle/report.html" in outcome.stdout
    assert "1,200 items" in outcome.stdout


def test_a_failure_of_the_training_is_the_verbs(verb: Verb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_job(*_: object) -> None:
        raise InvalidInput("interactions.csv", "holds no events of these items", reason="NO_EVENTS")

    monkeypatch.setattr(job, "run_job", run_job)
    outcome = verb("train", str(tmp_path), "--out", "b", "--json")
    assert outcome.code == 1
    assert outcome.document["error"] == {
        "reason": "NO_EVENTS",
        "field": "interactions.csv",
        "message": "holds no events of these items",
        "request_id": "",
    }


def test_without_a_place_for_the_bundle_it_is_wrong_use(verb: Verb, tmp_path: Path) -> None:
    outcome = verb("train", str(tmp_path))
    assert (outcome.code, "--out" in outcome.stderr) == (2, True)
