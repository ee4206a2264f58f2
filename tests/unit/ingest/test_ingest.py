"""A folder goes in: counts, refusals by file and line, progress."""

import json
from pathlib import Path

import pytest

from modalmesh.client import Client, synchronous
from modalmesh.data_folder import DataFolder
from modalmesh.errors import DeadlineExceeded, NotFound, Unavailable
from modalmesh.ingest import ingest
from tests.unit.client.scripted_gateway import ScriptedGateway


def test_counts_say_what_the_mesh_now_has(client: Client, folder: Path) -> None:
    summary = ingest(client, folder)
    assert (summary.items, summary.events, summary.duplicates) == (2, 3, 1)
    assert (summary.encoded_texts, summary.encoded_images, summary.unchanged) == (2, 1, 0)
    assert summary.seconds > 0


def test_every_refusal_has_its_file_and_line(client: Client, folder: Path) -> None:
    refused = [(bad.file, bad.line, bad.field) for bad in ingest(client, folder).refused]
    assert refused == [
        ("items.jsonl", 2, "line"),
        ("items.jsonl", 4, "images[0]"),
        ("items.jsonl", 5, "title"),
        ("interactions.csv", 3, "item_id"),
        ("interactions.csv", 4, "rating"),
    ]


def test_what_went_in_without_a_part_has_not_failed(client: Client, folder: Path) -> None:
    summary = ingest(client, folder)
    assert (summary.refused_count, summary.failed) == (5, 4)


def test_the_same_folder_again_changes_and_encodes_nothing(client: Client, folder: Path) -> None:
    ingest(client, folder)
    again = ingest(client, DataFolder(folder))
    assert (again.items, again.unchanged) == (2, 2)
    assert (again.encoded_texts, again.encoded_images, again.duplicates) == (0, 0, 3)


def test_items_are_in_before_the_first_event(client: Client, gateway: ScriptedGateway, folder: Path) -> None:
    ingest(client, folder)
    assert [method for method, _ in gateway.received] == ["UpsertItems", "RecordEvents"]


def test_progress_ends_at_the_last_line_of_each_file(client: Client, folder: Path) -> None:
    told: list[tuple[str, int, int]] = []
    ingest(client, folder, lambda *progress: told.append(progress))
    assert ("items.jsonl", 5, 5) in told
    assert told[-1] == ("interactions.csv", 6, 6)
    assert all(settled <= total for _, settled, total in told)


def test_progress_is_told_chunk_by_chunk(client: Client, tmp_path: Path) -> None:
    lines = [json.dumps({"item_id": str(number), "title": "x"}) for number in range(600)]
    (tmp_path / "items.jsonl").write_text("\n".join(lines))
    told: list[int] = []
    ingest(client, tmp_path, lambda file, settled, total: told.append(settled))
    assert told[:3] == [256, 512, 600]


def test_a_wrong_header_leaves_the_items_in(client: Client, folder: Path) -> None:
    (folder / "interactions.csv").write_text("user,item\na,b\n")
    summary = ingest(client, folder)
    assert (summary.items, summary.events) == (2, 0)
    assert summary.unusable_files == ["interactions.csv"]


def test_a_gateway_that_fails_for_a_moment_loses_nothing(
    client: Client, gateway: ScriptedGateway, folder: Path
) -> None:
    gateway.fail("UpsertItems", Unavailable("redis", "redis is down", retry_after=0.01))
    gateway.fail("RecordEvents", Unavailable("redis", "redis is down", retry_after=0.01))
    summary = ingest(client, folder)
    assert (summary.items, summary.events) == (2, 3)


def test_a_mesh_that_stays_away_is_an_error(
    client: Client, gateway: ScriptedGateway, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synchronous, "BULK_TIMEOUTS", 0.1)
    gateway.fail("UpsertItems", *[Unavailable("redis", "redis is down", retry_after=0.01)] * 50)
    with pytest.raises((Unavailable, DeadlineExceeded), match=r"redis is down \(\d tries"):
        ingest(client, folder)


def test_a_thousand_refusals_are_listed_and_all_are_counted(client: Client, tmp_path: Path) -> None:
    (tmp_path / "items.jsonl").write_text("{broken\n" * 1500)
    (tmp_path / "interactions.csv").write_text("wrong header\n")
    summary = ingest(client, tmp_path)
    assert (len(summary.refused), summary.refused_count, summary.failed) == (1000, 1501, 1501)
    assert summary.unusable_files == ["interactions.csv"]


def test_no_folder_is_no_data(client: Client, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such folder"):
        ingest(client, tmp_path / "none")
