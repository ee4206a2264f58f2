"""What fails is one line on stderr, a document where one is wanted, exit code 1, and never a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from modalmesh.cli import answers
from modalmesh.errors import InternalError, InvalidInput, ModalmeshError, NotFound, Overloaded
from tests.unit.cli.conftest import Verb
from tests.unit.client.scripted_gateway import ScriptedGateway


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (NotFound("no item 'lamp'", reason="NO_ITEM"), "modalmesh: no item 'lamp' [NO_ITEM]\n"),
        (InvalidInput("namespace", "must be a-z"), "modalmesh: namespace: must be a-z [INVALID]\n"),
        (Overloaded("full", retry_after=99), "modalmesh: full [OVERLOADED]\n"),
    ],
    ids=["not found", "invalid", "overloaded"],
)
def test_an_error_is_a_line_with_field_and_reason(
    ask: Verb, gateway: ScriptedGateway, error: ModalmeshError, line: str
) -> None:
    gateway.fail("SimilarItems", error)
    outcome = ask("similar", "lamp")
    assert (outcome.code, outcome.stdout, outcome.stderr) == (1, "", line)


def test_an_error_is_a_document_where_one_is_wanted(ask: Verb, gateway: ScriptedGateway) -> None:
    gateway.fail("SimilarItems", InvalidInput("namespace", "must be a-z", reason="INVALID_NAMESPACE"))
    outcome = ask("similar", "lamp", "--json")
    error = {"reason": "INVALID_NAMESPACE", "field": "namespace", "message": "must be a-z", "request_id": ""}
    assert (outcome.code, outcome.document) == (1, {"error": error})


def test_an_error_names_the_request_by_which_the_logs_speak_of_it(ask: Verb, gateway: ScriptedGateway) -> None:
    error = NotFound("no item 'lamp'", reason="NO_ITEM")
    error.request_id = "order-7"
    gateway.fail("SimilarItems", error, error)
    assert ask("similar", "lamp").stderr == "modalmesh: no item 'lamp' [NO_ITEM] (request order-7)\n"
    assert ask("similar", "lamp", "--json").document["error"]["request_id"] == "order-7"


def test_a_status_that_fails_names_its_request(ask: Verb, gateway: ScriptedGateway) -> None:
    error = InternalError("internal error")
    error.request_id = "order-7"
    gateway.fail("GetStatus", error, error)
    assert "internal error (request order-7)" in ask("status").stdout
    assert ask("status", "--json").document["error"]["request_id"] == "order-7"


@pytest.mark.parametrize("arguments", [["recommend", "ada"], ["status"], ["explain", "ada", "lamp"]])
def test_without_a_mesh_it_says_how_to_start_one(verb: Verb, home: Path, arguments: list[str]) -> None:
    outcome = verb(*arguments)
    assert outcome.code == 1
    assert f"no mesh is up in {home}" in outcome.stderr
    assert "modalmesh up" in outcome.stderr


def test_where_no_mesh_answers_it_says_where(verb: Verb) -> None:
    server = ScriptedGateway()
    server.stop()
    outcome = verb("recommend", "ada", "--address", server.address, "--json")
    assert outcome.code == 1
    assert outcome.document["error"]["reason"] == "CONNECTION_FAILED"
    assert server.address in outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_a_fault_of_ours_is_a_line_too(ask: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "open_client", lambda *_: 1 / 0)
    outcome = ask("recommend", "ada", "--json")
    assert outcome.code == 1
    assert outcome.document["error"]["reason"] == "INTERNAL"
    assert "ZeroDivisionError" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_ctrl_c_is_a_line(ask: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(answers, "open_client", interrupted)
    outcome = ask("recommend", "ada")
    assert outcome.code == 1
    assert outcome.stderr.strip().endswith("interrupted [INTERRUPTED]")


def test_a_reader_that_leaves_early_is_no_traceback(gateway: ScriptedGateway) -> None:
    command = f"{sys.executable} -m modalmesh recommend ada --address {gateway.address} --json | true"
    finished = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in finished.stderr
    assert "Error" not in finished.stderr
