import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from modalmesh_services.common.model_cache import ModelCache, default_folder

KEY = {"kind": "text", "software": {"openvino": "1"}}


def write(folder: Path) -> None:
    (folder / "0.xml").write_text("a graph")
    (folder / "0.bin").write_bytes(b"its weights")


def filled(folder: Path) -> ModelCache:
    cache = ModelCache(folder)
    cache.put(KEY, {"dim": 4}, write)
    return cache


def test_what_was_put_is_found_again(tmp_path: Path) -> None:
    entry = filled(tmp_path).find(KEY)
    assert entry is not None
    assert entry.about == {"dim": 4}
    assert (entry.folder / "0.bin").read_bytes() == b"its weights"


def test_another_release_finds_nothing(tmp_path: Path) -> None:
    assert filled(tmp_path).find({**KEY, "software": {"openvino": "2"}}) is None


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a torn file": lambda folder: (folder / "0.bin").write_bytes(b"its wei"),
    "a bit that flipped": lambda folder: (folder / "0.bin").write_bytes(b"its weighty"),
    "a missing file": lambda folder: (folder / "0.bin").unlink(),
    "a foreign file": lambda folder: (folder / "1.xml").touch(),
    "torn words": lambda folder: (folder / "about.json").write_text('{"key": {'),
    "words of another kind": lambda folder: (folder / "about.json").write_text("[]"),
    "another entry's words": lambda folder: (folder / "about.json").write_text(json.dumps({"key": {}, "files": {}})),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_broken_entry_is_not_used_and_is_written_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    cache = filled(tmp_path)
    DAMAGES[damage](next(tmp_path.iterdir()))
    with caplog.at_level(logging.WARNING):
        assert cache.find(KEY) is None
    assert "is broken and not used" in caplog.text
    assert filled(tmp_path).find(KEY) is not None


def test_an_entry_without_its_words_is_absent(tmp_path: Path) -> None:
    cache = filled(tmp_path)
    (next(tmp_path.iterdir()) / "about.json").unlink()
    assert cache.find(KEY) is None


def test_a_folder_that_cannot_be_written_is_only_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    with caplog.at_level(logging.WARNING):
        assert filled(tmp_path / "file" / "cache").find(KEY) is None
    assert "isn't kept, the next start takes as long" in caplog.text


def test_a_write_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        write(folder)
        raise OSError("the disk is full")

    cache = ModelCache(tmp_path)
    cache.put(KEY, {}, fail)
    assert cache.find(KEY) is None
    assert list(tmp_path.iterdir()) == []


def test_the_entries_that_were_used_last_are_kept(tmp_path: Path) -> None:
    cache = filled(tmp_path)
    for number in range(20):
        for folder in tmp_path.iterdir():
            os.utime(folder, (0, folder.stat().st_mtime - 1))
        assert cache.find(KEY) is not None
        cache.put({"kind": str(number)}, {}, write)
    assert len(list(tmp_path.iterdir())) == 16
    assert cache.find({"kind": "0"}) is None


def test_the_folder_is_the_users_own_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_folder() == Path("/somewhere/modalmesh/models")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_folder() == Path.home() / ".cache/modalmesh/models"
