"""Help, and wrong use: exit code 2 and one line."""

import subprocess
import sys

import pytest

from modalmesh.cli.main import modalmesh
from tests.unit.cli.conftest import Verb

VERBS = [
    "up",
    "down",
    "status",
    "ingest",
    "recommend",
    "rank",
    "similar",
    "search",
    "explain",
    "demo",
    "fine-tune",
    "train",
    "evaluate",
]


def test_these_are_the_verbs() -> None:
    assert sorted(modalmesh.commands) == sorted(VERBS)


@pytest.mark.parametrize("name", VERBS)
def test_help_of_a_verb_has_an_example_and_says_json(verb: Verb, name: str) -> None:
    outcome = verb(name, "--help")
    assert outcome.code == 0
    assert f"Example:\n    modalmesh {name}" in outcome.stdout
    assert "--json" in outcome.stdout


@pytest.mark.parametrize("name", ["recommend", "rank", "similar", "search", "explain", "ingest", "train", "evaluate"])
def test_a_verb_that_asks_a_mesh_takes_address_and_namespace(verb: Verb, name: str) -> None:
    text = verb(name, "--help").stdout
    assert "--address" in text
    assert "--namespace" in text


def test_help_lists_the_verbs_in_whole_sentences(verb: Verb) -> None:
    outcome = verb("--help")
    assert all(f"  {name} " in outcome.stdout for name in VERBS)
    assert "..." not in outcome.stdout.split("Commands:")[1]


def test_help_waits_for_no_library() -> None:
    asked = [sys.executable, "-X", "importtime", "-m", "modalmesh", "--help"]
    said = subprocess.run(asked, check=True, capture_output=True, text=True).stderr
    imported = {line.rpartition("|")[2].strip() for line in said.splitlines()}
    assert "click" in imported
    assert not imported & {"grpc", "google.protobuf", "numpy", "rich", "pydantic", "torch", "redis"}


def test_the_version_is_the_packages(verb: Verb) -> None:
    assert verb("--version").stdout == "modalmesh, version 0.1.0\n"


@pytest.mark.parametrize("k", ["0", "-1", "1001", "many"])
@pytest.mark.parametrize("arguments", [["recommend", "ada"], ["similar", "lamp"], ["search", "lamp"]])
def test_a_wrong_k_is_wrong_use(verb: Verb, arguments: list[str], k: str) -> None:
    outcome = verb(*arguments, "-k", k)
    assert outcome.code == 2
    assert outcome.stderr.count("\n") == 1
    assert "-k" in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "which verb?"),
        (["dance"], "No such command 'dance'"),
        (["recommend"], "Missing argument 'USER'"),
        (["rank", "ada"], "Missing argument 'ITEM...'"),
        (["search"], "give TEXT, --image FILE or both"),
        (["search", "--image", "none.jpg"], "'none.jpg' does not exist"),
        (["similar", "lamp", "--by", "smell"], "'smell' is not one of"),
        (["ingest", "none"], "'none' does not exist"),
        (["demo", "--data", "none"], "'none' does not exist"),
        (["up", "--port", "70000"], "70000 is not in the range"),
    ],
)
def test_wrong_use_is_one_line_that_says_what(verb: Verb, arguments: list[str], words: str) -> None:
    outcome = verb(*arguments)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert words in outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_wrong_use_is_a_document_too(verb: Verb) -> None:
    outcome = verb("recommend", "ada", "-k", "0", "--json")
    assert outcome.code == 2
    assert outcome.document["error"]["reason"] == "WRONG_USE"
    assert outcome.document["error"]["field"] == "-k"
