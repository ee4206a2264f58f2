"""The folder as a whole: it streams, goes on after bad lines, and tells where each thing was."""

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from modalmesh.data_folder import BadLine, DataFolder, Located
from modalmesh.data_folder import lines as lines_module
from modalmesh.errors import NotFound
from modalmesh.types import Item
from tests.unit.data_folder.conftest import Writer


def item(number: int, **keys: Any) -> dict[str, Any]:
    return {"item_id": str(number), "title": f"Item {number}", **keys}


def test_good_lines_between_bad_ones_all_come(write_items: Writer) -> None:
    folder = DataFolder(write_items(item(1), "{broken", item(2), b"\xff", "", item(3), "[]"))
    told = [(entry.line, entry.field) for entry in folder.items() if isinstance(entry, BadLine)]
    assert [entry.item_id for entry in folder.items() if isinstance(entry, Item)] == ["1", "2", "3"]
    assert told == [(2, "line"), (4, "line"), (7, "line")]


def test_each_item_is_located(write_items: Writer) -> None:
    folder = DataFolder(write_items("", item(1), "", item(2)))
    found = [(entry.line, entry.value.item_id) for entry in folder.located_items() if isinstance(entry, Located)]
    assert found == [(2, "1"), (4, "2")]


def test_a_folder_is_read_as_often_as_one_asks(write_items: Writer) -> None:
    folder = DataFolder(write_items(item(1)))
    assert list(folder.items()) == list(folder.items())


def test_a_byte_order_mark_is_no_part_of_the_first_line(write_items: Writer) -> None:
    (only,) = DataFolder(write_items(b'\xef\xbb\xbf{"item_id": "1"}')).items()
    assert only == Item("1")


def test_a_line_that_is_too_long_is_told_and_skipped(write_items: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "MAX_LINE_BYTES", 100)
    monkeypatch.setattr(lines_module, "_BLOCK_BYTES", 30)
    told, after = DataFolder(write_items(item(1, description="x" * 500), item(2))).items()
    assert isinstance(told, BadLine)
    assert (told.line, told.message) == (1, "is longer than 100 bytes")
    assert isinstance(after, Item)


@pytest.mark.parametrize(("content", "count"), [(b"", 0), (b"a", 1), (b"a\n", 1), (b"a\nb", 2), (b"\n\n", 2)])
def test_lines_are_counted_with_and_without_a_last_line_end(tmp_path: Path, content: bytes, count: int) -> None:
    (tmp_path / "items.jsonl").write_bytes(content)
    assert DataFolder(tmp_path).count_lines("items.jsonl") == count


def test_pictures_are_read_one_item_at_a_time(write_items: Writer, tmp_path: Path) -> None:
    (tmp_path / "big.jpg").write_bytes(b"x" * 4_000_000)
    folder = DataFolder(write_items(*(item(number, images=["big.jpg"]) for number in range(20))))
    tracemalloc.start()
    assert sum(1 for entry in folder.items() if isinstance(entry, Item)) == 20
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * 4_000_000


def test_either_file_is_enough(write_events: Writer) -> None:
    folder = DataFolder(write_events("a,x,1,4"))
    assert (list(folder.items()), len(list(folder.events()))) == ([], 1)
    assert folder.count_lines("items.jsonl") == 0


def test_an_empty_interactions_file_holds_no_events(tmp_path: Path) -> None:
    (tmp_path / "interactions.csv").touch()
    assert list(DataFolder(tmp_path).events()) == []


@pytest.mark.parametrize("name", ["", "none"])
def test_a_folder_without_data_is_refused_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFound, match=str(tmp_path)):
        DataFolder(tmp_path / name)


FILMS = Path(__file__).parents[4] / "shared/data/movielens-posters"


@pytest.mark.skipif(not FILMS.is_dir(), reason="needs shared/data/movielens-posters")
def test_real_films_are_read_whole() -> None:
    folder = DataFolder(FILMS)
    assert sum(1 for entry in folder.items() if isinstance(entry, Item)) == 9742
    assert not [entry for entry in folder.events() if isinstance(entry, BadLine)]
    assert len({entry.event_id for entry in folder.events() if not isinstance(entry, BadLine)}) == 89_829
