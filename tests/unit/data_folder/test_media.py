"""Pictures and videos of an item: read from inside the folder only, told where they can't be."""

import os
from pathlib import Path
from typing import Any

import pytest

from modalmesh.data_folder import BadLine, DataFolder
from modalmesh.data_folder import media as media_module
from modalmesh.types import Item
from tests.unit.data_folder.conftest import Writer


@pytest.fixture
def shop(write_items: Writer, tmp_path: Path) -> Any:
    """Writes one item that names media beside what lies in its folder."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.jpg").write_bytes(b"first")
    (tmp_path / "images/b.jpg").write_bytes(b"second")
    (tmp_path / "clip.mp4").write_bytes(b"moving")
    (tmp_path / "empty.jpg").touch()

    def write(**keys: Any) -> DataFolder:
        return DataFolder(write_items({"item_id": "7", "title": "Lamp", **keys}))

    return write


def test_pictures_frames_and_videos_come_with_content_name_and_kind(shop: Any) -> None:
    (item,) = shop(images=["images/a.jpg"], frames=["images/b.jpg"], videos=["clip.mp4"]).items()
    assert [(p.content, p.name, p.kind) for p in item.pictures] == [
        (b"first", "images/a.jpg", "picture"),
        (b"second", "images/b.jpg", "frame"),
    ]
    assert [(v.content, v.name) for v in item.videos] == [(b"moving", "clip.mp4")]


def test_a_single_video_may_stand_alone(shop: Any) -> None:
    (item,) = shop(video="clip.mp4").items()
    assert [video.content for video in item.videos] == [b"moving"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("images/none.jpg", "no such file"),
        ("images", "no such file"),
        ("", "no such file"),
        ("../secret.txt", "leads out of the folder"),
        ("images/../../secret.txt", "leads out of the folder"),
        ("/etc/hostname", "leads out of the folder"),
        ("empty.jpg", "is an empty file"),
        ("a\0b.jpg", "null"),
        ("x" * 5000, "name too long"),
    ],
)
def test_what_cannot_be_read_is_told_and_the_item_goes_without_it(
    shop: Any, tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path.parent / "secret.txt").write_text("secret")
    told, item = shop(images=["images/a.jpg", name]).items()
    assert (told.line, told.field) == (1, "images[1]")
    assert message in told.message.lower()
    assert "goes in without it" in told.message
    assert [picture.name for picture in item.pictures] == ["images/a.jpg"]


def test_a_link_that_leads_out_is_refused(shop: Any, tmp_path: Path) -> None:
    (tmp_path.parent / "secret.txt").write_text("secret")
    (tmp_path / "link.jpg").symlink_to(tmp_path.parent / "secret.txt")
    told, item = shop(images=["link.jpg"]).items()
    assert "leads out of the folder" in told.message
    assert not item.pictures


def test_a_link_within_the_folder_is_followed(shop: Any, tmp_path: Path) -> None:
    (tmp_path / "link.jpg").symlink_to("images/a.jpg")
    (item,) = shop(images=["link.jpg"]).items()
    assert item.pictures[0].content == b"first"


def test_a_folder_reached_by_a_link_is_fine(shop: Any, tmp_path: Path) -> None:
    shop(images=["images/a.jpg"])
    link = tmp_path.parent / f"{tmp_path.name}-link"
    link.symlink_to(tmp_path)
    (item,) = DataFolder(link).items()
    assert isinstance(item, Item)
    assert item.pictures[0].content == b"first"


def test_a_fifo_is_no_picture_and_hangs_nobody(shop: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    told, _ = shop(images=["pipe.jpg"]).items()
    assert "no such file" in told.message


def test_media_of_one_item_are_bounded_together(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_module, "MAX_ITEM_BYTES", 9)
    told, item = shop(images=["images/a.jpg", "images/b.jpg"]).items()
    assert isinstance(told, BadLine)
    assert "has 6 bytes, 4 of 9 are left" in told.message
    assert [picture.content for picture in item.pictures] == [b"first"]


def test_a_single_video_that_is_missing_is_told_by_its_key(shop: Any) -> None:
    told, _ = shop(video="none.mp4").items()
    assert told.field == "video"
