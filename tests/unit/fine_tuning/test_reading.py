from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from modalmesh.data_folder import DataFolder
from modalmesh.errors import InvalidInput
from modalmesh_services.fine_tuning.image import TunableImage
from modalmesh_services.fine_tuning.reading import Data, read
from modalmesh_services.fine_tuning.text import TunableText
from tests.unit.image_encoder.pictures import draw, encode
from tests.unit.image_encoder.saved import save

from .made import write_folder

CPU = torch.device("cpu")
Read = Callable[..., Data]
ITEMS = [{"item_id": name, "title": f"the {name}", "tags": ["red"]} for name in ("dog", "cat", "house")]


def quiet(done: int, total: int) -> None:
    pass


@pytest.fixture
def text(tiny_bert: Path) -> TunableText:
    return TunableText(str(tiny_bert), CPU)


@pytest.fixture
def image(tmp_path: Path) -> TunableImage:
    return TunableImage(str(save(tmp_path / "vit", "vit")), "", CPU)


def test_only_what_somebody_likes_is_prepared(tmp_path: Path, text: TunableText) -> None:
    folder = write_folder(tmp_path / "d", ITEMS, [("ada", "dog"), ("ada", "house"), ("bob", "nothing")])
    data = read(DataFolder(folder), "text", text, quiet)
    assert data.contents.item_ids == ("dog", "house")
    # Title and tags of each.
    assert [len(data.contents.rows(item)) for item in (0, 1)] == [2, 2]
    assert [items.tolist() for items in data.liked] == [[0, 1]]


def test_what_is_liked_twice_counts_at_its_first_place(tmp_path: Path, text: TunableText) -> None:
    likes = [("ada", name) for name in ("house", "dog", "house", "cat")]
    data = read(DataFolder(write_folder(tmp_path / "d", ITEMS, likes)), "text", text, quiet)
    assert [[data.contents.item_ids[item] for item in items] for items in data.liked] == [["house", "dog", "cat"]]


def test_progress_ends_at_the_number_of_lines(tmp_path: Path, text: TunableText) -> None:
    told: list[tuple[int, int]] = []
    folder = write_folder(tmp_path / "d", ITEMS, [("ada", "dog"), ("ada", "cat")])
    read(DataFolder(folder), "text", text, lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_no_pictures_at_all_is_told(tmp_path: Path, image: TunableImage) -> None:
    folder = write_folder(tmp_path / "d", ITEMS, [("ada", "dog"), ("ada", "cat")])
    with pytest.raises(InvalidInput, match="no item that anybody likes has a picture") as caught:
        read(DataFolder(folder), "image", image, quiet)
    assert (caught.value.reason, caught.value.field) == ("NO_PICTURES", "items.jsonl")


def test_no_positive_pair_is_told(tmp_path: Path, text: TunableText) -> None:
    folder = write_folder(tmp_path / "d", ITEMS, [("ada", "dog"), ("bob", "cat")])
    with pytest.raises(InvalidInput, match="no positive pairs") as caught:
        read(DataFolder(folder), "text", text, quiet)
    assert caught.value.reason == "NO_PAIRS"


def test_no_positive_event_is_told(tmp_path: Path, text: TunableText) -> None:
    folder = write_folder(tmp_path / "d", ITEMS, [])
    (folder / "interactions.csv").write_text("user_id,item_id,timestamp,rating\nada,dog,1,2\nada,cat,2,1\n")
    with pytest.raises(InvalidInput, match="none of its 2 events is positive") as caught:
        read(DataFolder(folder), "text", text, quiet)
    assert caught.value.reason == "NO_POSITIVES"


def test_a_broken_picture_is_left_out(tmp_path: Path, image: TunableImage) -> None:
    lines = [{"item_id": name, "images": [f"{name}.png", "broken.png"]} for name in ("dog", "cat")]
    folder = write_folder(tmp_path / "d", lines, [("ada", "dog"), ("ada", "cat")])
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    for name in ("dog", "cat"):
        (folder / f"{name}.png").write_bytes(encode(draw()))
    data = read(DataFolder(folder), "image", image, quiet)
    assert [len(data.contents.rows(item)) for item in (0, 1)] == [1, 1]
    assert data.contents.store[1].shape == (32, 32, 3)
    assert data.consequences[0].startswith("2 inputs or lines")


def test_equal_timestamps_and_missing_files_have_consequences(tmp_path: Path, image: TunableImage) -> None:
    lines = [{"item_id": name, "images": ["dog.png", "gone.png"]} for name in ("dog", "cat")]
    folder = write_folder(tmp_path / "d", lines, [])
    (folder / "dog.png").write_bytes(encode(draw()))
    (folder / "interactions.csv").write_text("user_id,item_id,timestamp,rating\nada,dog,1,5\nada,cat,1,5\n")
    sentences = " ".join(read(DataFolder(folder), "image", image, quiet).consequences)
    assert "2 inputs or lines" in sentences
    assert "All timestamps are equal" in sentences
