"""A large file is read once, and again as soon as anything about it changed."""

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from modalmesh_services.common.backends import fingerprint
from modalmesh_services.common.backends.known_digests import KnownDigests

LARGE = b"weights" * 200_000
AN_HOUR_NS = 3_600 * 10**9


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read; the clock is an hour ahead, so that what a test writes has settled."""
    files: list[Path] = []
    of_file, now = fingerprint.of_file, time.time_ns

    def noted(path: Path) -> str:
        files.append(path)
        return of_file(path)

    monkeypatch.setattr(fingerprint, "of_file", noted)
    monkeypatch.setattr(time, "time_ns", lambda: now() + AN_HOUR_NS)
    return files


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def written(path: Path, content: bytes = LARGE) -> Path:
    path.write_bytes(content)
    return path


def test_a_later_start_does_not_read_it_again(tmp_path: Path, read: list[Path]) -> None:
    file = written(tmp_path / "model.safetensors")
    for _ in range(3):
        assert KnownDigests(tmp_path / "cache" / "digests.json").of(file) == sha256(LARGE)
    assert read == [file]


def replaced(file: Path) -> None:
    """By one of the same size and time of content, as an archive that is unpacked may have."""
    other = written(file.with_name("other"), LARGE[::-1])
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    other.replace(file)


def written_in_place(file: Path) -> None:
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    written(file, LARGE[::-1])
    os.utime(file, ns=times)


@pytest.mark.parametrize("change", [replaced, written_in_place], ids=lambda change: change.__name__)
def test_another_content_is_seen_even_where_size_and_time_are_the_same(
    tmp_path: Path, read: list[Path], change: Callable[[Path], None]
) -> None:
    file, digests = written(tmp_path / "model.safetensors"), KnownDigests(tmp_path / "digests.json")
    assert digests.of(file) == sha256(LARGE)
    change(file)
    assert digests.of(file) == sha256(LARGE[::-1])
    assert digests.of(file) == sha256(LARGE[::-1])
    assert len(read) == 2


def test_two_files_of_one_name_are_two(tmp_path: Path, read: list[Path]) -> None:
    digests = KnownDigests(tmp_path / "digests.json")
    for name, content in (("a", LARGE), ("b", LARGE[::-1])):
        (tmp_path / name).mkdir()
        written(tmp_path / name / "model.safetensors", content)
    for _ in range(2):
        assert digests.of(tmp_path / "a" / "model.safetensors") == sha256(LARGE)
        assert digests.of(tmp_path / "b" / "model.safetensors") == sha256(LARGE[::-1])
    assert len(read) == 2


def test_what_was_written_just_now_is_read_again(tmp_path: Path) -> None:
    """It may be written to once more before its time changes."""
    file, digests = written(tmp_path / "model.safetensors"), KnownDigests(tmp_path / "digests.json")
    assert digests.of(file) == sha256(LARGE)
    assert not (tmp_path / "digests.json").exists()


def test_small_files_are_read_each_time(tmp_path: Path, read: list[Path]) -> None:
    file, digests = written(tmp_path / "config.json", b"{}"), KnownDigests(tmp_path / "digests.json")
    assert [digests.of(file), digests.of(file)] == [sha256(b"{}")] * 2
    assert len(read) == 2


@pytest.mark.parametrize("content", ["", "{", "[1]", "null", '{"a": 5}', json.dumps({"/x": ["a"]})])
def test_a_broken_record_is_as_good_as_none(tmp_path: Path, read: list[Path], content: str) -> None:
    record, file = tmp_path / "digests.json", written(tmp_path / "model.safetensors")
    record.write_text(content)
    assert [KnownDigests(record).of(file) for _ in range(2)] == [sha256(LARGE)] * 2
    assert len(read) == 1


def test_a_record_that_cannot_be_written_changes_nothing(tmp_path: Path, read: list[Path]) -> None:
    (tmp_path / "file").touch()
    file = written(tmp_path / "model.safetensors")
    assert KnownDigests(tmp_path / "file" / "digests.json").of(file) == sha256(LARGE)


def test_so_many_files_are_remembered_and_no_more(tmp_path: Path, read: list[Path]) -> None:
    digests = KnownDigests(tmp_path / "digests.json")
    for number in range(70):
        file = written(tmp_path / str(number))
        digests.of(file)
    assert len(json.loads((tmp_path / "digests.json").read_text())) == 64
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("writing")) == []


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        KnownDigests(tmp_path / "digests.json").of(tmp_path / "none")
