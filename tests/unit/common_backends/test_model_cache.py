import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from modalmesh_services.common.backends.model_cache import ModelCache, default_folder
from modalmesh_services.image_encoder.settings import ImageEncoderSettings
from modalmesh_services.text_encoder.settings import TextEncoderSettings

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


def put_sized(folder: Path, cache: ModelCache, name: str, size: int = 1_000) -> None:
    """Put an entry after all others were used."""
    for age, entry in enumerate(sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime)):
        os.utime(entry, (0, age))

    def write_bytes(aside: Path) -> None:
        (aside / "0.bin").write_bytes(bytes(size))

    cache.put({"kind": name}, {}, write_bytes)


def kept(cache: ModelCache, *names: str) -> str:
    return "".join(name for name in names if cache.find({"kind": name}))


def test_the_entries_that_were_used_last_are_kept_as_far_as_they_fit(tmp_path: Path) -> None:
    cache = ModelCache(tmp_path, most_bytes=3_500)
    for name in "abc":
        put_sized(tmp_path, cache, name)
    assert cache.find({"kind": "a"})
    put_sized(tmp_path, cache, "d")
    assert kept(cache, *"abcd") == "acd"


def test_an_entry_larger_than_all_that_is_kept_stays_while_it_is_in_use(tmp_path: Path) -> None:
    cache = ModelCache(tmp_path, most_bytes=3_500)
    put_sized(tmp_path, cache, "a")
    put_sized(tmp_path, cache, "b", 5_000)
    assert kept(cache, *"ab") == "b"


def test_what_another_process_uses_is_not_dropped(tmp_path: Path) -> None:
    cache = ModelCache(tmp_path, most_bytes=2_500)
    put_sized(tmp_path, cache, "a")
    code = (
        "import pathlib, sys; from modalmesh_services.common.backends.model_cache import ModelCache;"
        "assert ModelCache(pathlib.Path(sys.argv[1])).find({'kind': 'a'}); print(flush=True); input()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as user:
        assert user.stdout
        assert user.stdout.readline()
        for name in "bcd":
            put_sized(tmp_path, cache, name)
        user.communicate(b"\n", timeout=20)
    assert kept(cache, *"abcd") == "ad"
    put_sized(tmp_path, cache, "e")
    put_sized(tmp_path, cache, "f")
    assert kept(cache, *"adef") == "ef"


def test_the_folder_is_the_users_own_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_folder() == Path("/somewhere/modalmesh/models")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_folder() == Path.home() / ".cache/modalmesh/models"


def test_tests_leave_the_users_own_cache_alone(model_cache: Path) -> None:
    used = {TextEncoderSettings().model_cache, ImageEncoderSettings().model_cache}
    assert used == {str(model_cache)}
    assert not model_cache.is_relative_to(default_folder())
