import json
from pathlib import Path

import pytest

from benchmarks.ingest.sample import write_sample
from modalmesh.data_folder import DataFolder
from modalmesh.types import Event, Item


@pytest.fixture
def source(tmp_path: Path) -> DataFolder:
    """Ten items, each with a picture and an event, and a broken line."""
    folder = tmp_path / "source"
    (folder / "images").mkdir(parents=True)
    lines = [json.dumps({"item_id": f"i{n}", "title": f"item {n}", "images": [f"images/{n}.png"]}) for n in range(10)]
    (folder / "items.jsonl").write_text("\n".join([*lines, "{broken"]) + "\n")
    for number in range(10):
        (folder / f"images/{number}.png").write_bytes(b"picture %d" % number)
    rows = [f"ada,i{n},1700000000,5" for n in range(10)]
    (folder / "interactions.csv").write_text("\n".join(["user_id,item_id,timestamp,rating", *rows]) + "\n")
    return DataFolder(folder)


def _items(folder: DataFolder) -> list[Item]:
    return [entry for entry in folder.items() if isinstance(entry, Item)]


def test_a_sample_is_spread_over_the_file(source: DataFolder, tmp_path: Path) -> None:
    sample = write_sample(source, 3, tmp_path / "sample")
    assert [item.item_id for item in _items(sample)] == ["i0", "i3", "i7"]


def test_a_sample_has_the_pictures_of_its_items_and_no_others(source: DataFolder, tmp_path: Path) -> None:
    sample = write_sample(source, 2, tmp_path / "sample")
    assert [item.pictures[0].content for item in _items(sample)] == [b"picture 0", b"picture 5"]
    assert sorted(path.name for path in (tmp_path / "sample/images").iterdir()) == ["0.png", "5.png"]


def test_a_sample_has_the_events_about_its_items(source: DataFolder, tmp_path: Path) -> None:
    events = list(write_sample(source, 2, tmp_path / "sample").events())
    assert [event.item_id for event in events if isinstance(event, Event)] == ["i0", "i5"]


def test_a_sample_larger_than_the_folder_is_all_of_it_that_can_be_read(source: DataFolder, tmp_path: Path) -> None:
    entries = list(write_sample(source, 1000, tmp_path / "sample").items())
    assert len(entries) == 10
    assert all(isinstance(entry, Item) for entry in entries)
