from pathlib import Path

import numpy as np
import pytest

from modalmesh.errors import InvalidInput
from modalmesh_services.fusion_ranker.dataset.catalogue import NO_TIME
from modalmesh_services.fusion_ranker.dataset.reading import read_dataset, read_interactions
from tests.unit.fusion_ranker.dataset.conftest import FolderWriter


def test_a_folder_becomes_a_catalogue_and_histories(folder: FolderWriter) -> None:
    dataset = read_dataset(folder("7,i2,20,4.0", "7,i1,10,1.0", time=3))
    assert dataset.catalogue.item_ids == ("i1", "i2", "i3")
    assert dataset.catalogue.times_ms.tolist() == [3000, NO_TIME, NO_TIME]
    assert dataset.interactions.histories[0].items.tolist() == [0, 1]


def test_tags_are_attributes_and_can_be_taken_away(folder: FolderWriter) -> None:
    path = folder("7,i2,20,4.0", "7,i1,10,1.0", tags=["Dark"], genre="War")
    with (path / "items.jsonl").open("a") as file:
        file.write('\n{"item_id": "i4", "title": "x", "tags": ["dark"], "genre": "War"}')
    catalogue = read_dataset(path).catalogue
    assert catalogue.attributes.vocabulary == (("genre", "War"), ("tags", "dark"))
    assert catalogue.without_tags().attributes.names == ("genre",)
    assert catalogue.without_texts(np.ones(4, np.bool_)).attributes.values.sum() == 2


@pytest.mark.parametrize(
    ("rows", "reason"),
    [((), "NO_EVENTS"), (("7,gone,1,4",), "NO_EVENTS"), (("7,i1,1,4",), "ONE_CLASS"), (("7,i1,1,1",), "ONE_CLASS")],
)
def test_data_that_teach_nothing_are_refused(folder: FolderWriter, rows: tuple[str, ...], reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_dataset(folder(*rows))
    assert refused.value.reason == reason


def test_consequences_of_equal_times_and_of_missing_pictures_are_said(folder: FolderWriter) -> None:
    consequences = read_dataset(folder("7,i1,5,4", "7,i2,5,1")).consequences
    assert [line.split()[1] for line in consequences] == ["item", "item", "timestamps"]


def test_bad_lines_are_told_and_the_rest_is_read(folder: FolderWriter) -> None:
    dataset = read_dataset(folder("7,i1,5,4", "7,i2,noon,1", "7,i2,6,1"))
    assert len(dataset.interactions) == 2
    assert [complaint.field for complaint in dataset.complaints] == ["timestamp"]


def test_a_file_of_events_is_read_for_a_catalogue(folder: FolderWriter, tmp_path: Path) -> None:
    catalogue = read_dataset(folder("7,i2,20,4.0", "7,i1,10,1.0")).catalogue
    file = tmp_path / "others.csv"
    file.write_text("user_id,item_id,timestamp,rating\n9,i3,5,4\n9,gone,6,4\n9,i1,noon,4\n")
    interactions, complaints = read_interactions(file, catalogue)
    assert interactions.histories[0].items.tolist() == [2]
    assert [(complaint.file, complaint.line) for complaint in complaints] == [("others.csv", 4)]


@pytest.mark.parametrize("content", ["", "who,what\n9,i1", "user_id,item_id,timestamp,rating\n9,gone,5,4\n"])
def test_a_file_without_events_of_the_catalogue_is_refused(folder: FolderWriter, tmp_path: Path, content: str) -> None:
    catalogue = read_dataset(folder("7,i2,20,4.0", "7,i1,10,1.0")).catalogue
    (tmp_path / "others.csv").write_text(content)
    with pytest.raises(InvalidInput) as refused:
        read_interactions(tmp_path / "others.csv", catalogue)
    assert refused.value.reason == "NO_EVENTS"
