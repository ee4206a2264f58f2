"""docs/cli.md describes every verb, and its documents are JSON."""

import json
import re
from pathlib import Path

from modalmesh.cli.main import modalmesh
from tests.unit.cli.conftest import Verb

MANUAL = (Path(__file__).parents[3] / "docs/cli.md").read_text()
DOCUMENTS = {
    frozenset(json.loads(text)): json.loads(text) for text in re.findall(r"```json\n(.*?)```", MANUAL, re.DOTALL)
}


def documented(*keys: str) -> bool:
    return frozenset(keys) in DOCUMENTS


def test_every_verb_and_option_is_in_the_manual() -> None:
    for name, command in modalmesh.commands.items():
        assert f"modalmesh {name}" in MANUAL
        options = [option for parameter in command.params for option in parameter.opts if option.startswith("-")]
        assert all(option in MANUAL for option in options), name


def test_answers_have_the_documented_keys(ask: Verb) -> None:
    assert documented(*ask("recommend", "ada", "--json").document)
    assert documented(*ask("explain", "ada", "lamp", "--json").document)
    assert documented(*ask("status", "--json").document)


def test_an_ingest_has_the_documented_keys(ask: Verb, tmp_path: Path) -> None:
    (tmp_path / "items.jsonl").write_text('{"item_id": "lamp", "title": "Lamp"}\n')
    assert documented(*ask("ingest", str(tmp_path), "--json").document)


def test_down_without_a_mesh_has_the_documented_keys(verb: Verb) -> None:
    outcome = verb("down", "--json")
    assert (outcome.code, outcome.document["stopped"]) == (0, False)
    assert documented(*outcome.document)
