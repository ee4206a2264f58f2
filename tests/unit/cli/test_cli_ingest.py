"""The verb ingest: the summary, what was refused, exit codes, progress on stderr."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Verb
from tests.unit.client.scripted_gateway import ScriptedGateway


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    lines = [json.dumps({"item_id": "lamp", "title": "Lamp"}), "{broken [bold]"]
    (folder / "items.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "interactions.csv").write_text("user_id,item_id,timestamp,rating\nada,lamp,1,5\n")
    return folder


def test_the_document_counts_and_lists(ask: Verb, shop: Path) -> None:
    outcome = ask("ingest", str(shop), "--json")
    document = outcome.document
    assert outcome.code == 0
    assert (document["items"], document["events"], document["failed"]) == (1, 1, 1)
    assert document["encoded"] == {"text": 1, "image": 0}
    (refused,) = document["refused"]
    assert (refused["file"], refused["line"], refused["field"]) == ("items.jsonl", 2, "line")


def test_the_documents_keys_are_these(ask: Verb, shop: Path) -> None:
    keys = "items events duplicates unchanged pending truncated cache_hits refused refused_count failed seconds"
    expected = {*keys.split(), "encoded", "unusable_files"}
    assert set(ask("ingest", str(shop), "--json").document) == expected


def test_people_see_counts_and_refusals(ask: Verb, shop: Path) -> None:
    text = ask("ingest", str(shop)).stdout
    for words in ("is in", "items.jsonl", "is no JSON", "1 lines failed altogether"):
        assert words in text


def test_progress_is_on_stderr(ask: Verb, shop: Path) -> None:
    outcome = ask("ingest", str(shop), "--json")
    assert "items.jsonl: 2 of 2" in outcome.stderr
    assert "interactions.csv: 2 of 2" in outcome.stderr


def test_the_namespace_is_passed_on(ask: Verb, shop: Path, gateway: ScriptedGateway) -> None:
    ask("ingest", str(shop), "--namespace", "films")
    assert gateway.requests("UpsertItems")[0].namespace == "films"
    assert gateway.requests("RecordEvents")[0].namespace == "films"


def test_a_wrong_header_fails_and_the_items_are_in(ask: Verb, shop: Path, gateway: ScriptedGateway) -> None:
    (shop / "interactions.csv").write_text("user,item\n")
    outcome = ask("ingest", str(shop), "--json")
    assert (outcome.code, outcome.document["unusable_files"]) == (1, ["interactions.csv"])
    assert "lamp" in gateway.items


def test_a_folder_of_which_nothing_goes_in_fails(ask: Verb, shop: Path) -> None:
    (shop / "items.jsonl").write_text("{broken\n")
    (shop / "interactions.csv").unlink()
    assert ask("ingest", str(shop)).code == 1


def test_a_folder_without_data_is_an_error(ask: Verb, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    outcome = ask("ingest", str(tmp_path / "empty"), "--json")
    assert (outcome.code, outcome.document["error"]["reason"]) == (1, "NO_DATA")


def test_many_refusals_are_shortened_for_people(ask: Verb, shop: Path) -> None:
    (shop / "items.jsonl").write_text("{broken\n" * 50)
    text = ask("ingest", str(shop)).stdout
    assert text.count("is no JSON") == 20
    assert "and 31 more" in text
