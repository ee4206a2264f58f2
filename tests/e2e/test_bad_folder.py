"""A folder with all that goes wrong in folders goes into a real mesh: the good in it is found, the bad is told."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modalmesh.client import Client
from modalmesh.local.mesh import MeshState
from tests.e2e import bad_folder
from tests.e2e.conftest import modalmesh
from tests.unit.image_encoder.pictures import draw, encode, huge_png

NAMESPACE = "bad-folder"
Finished = subprocess.CompletedProcess[str]


def ingest(folder: Path, mesh: MeshState, *options: str) -> Finished:
    return modalmesh("ingest", str(folder), "--namespace", NAMESPACE, *options, home=mesh.home)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bad_folder.write(tmp_path_factory.mktemp("data") / "folder")


@pytest.fixture(scope="module")
def ingested(shared_mesh: MeshState, folder: Path) -> Finished:
    return ingest(folder, shared_mesh, "--json")


@pytest.fixture(scope="module")
def document(ingested: Finished) -> Any:
    return json.loads(ingested.stdout)


@pytest.fixture
def client(shared_mesh: MeshState, ingested: Finished) -> Iterator[Client]:
    with Client(shared_mesh.address, NAMESPACE) as client:
        yield client


def test_it_is_done_and_counts_what_went_in_and_what_did_not(ingested: Finished, document: Any) -> None:
    assert ingested.returncode == 0, ingested.stderr
    assert (document["items"], document["events"], document["duplicates"]) == (len(bad_folder.GOOD_ITEMS), 3, 1)
    assert document["failed"] == 13 + 10
    assert (document["pending"], document["unusable_files"]) == (0, [])
    assert document["encoded"] == {"text": 5, "image": 3}


def test_each_bad_line_is_told_by_file_line_field_and_reason(document: Any) -> None:
    expected = bad_folder.expected()
    assert [(bad["file"], bad["line"], bad["field"]) for bad in document["refused"]] == [told[:3] for told in expected]
    for bad, (*_, words) in zip(document["refused"], expected, strict=True):
        assert words in bad["message"]
    assert document["refused_count"] == len(expected)


def test_what_an_item_went_in_without_is_told_apart_from_what_kept_it_out(document: Any) -> None:
    told = {bad["line"]: bad["message"] for bad in document["refused"] if bad["field"].startswith("pictures")}
    cut, text, huge = (told[bad_folder.line_of(name)] for name in ("cut", "text", "huge"))
    assert cut.endswith("; the item goes in without it")
    assert huge.endswith("; the item goes in without it")
    assert "goes in" not in text


def test_the_catalogue_holds_the_good_items_and_nothing_else(client: Client) -> None:
    stored = {item.item_id: item for item in client.list_items()}
    assert set(stored) == bad_folder.GOOD_ITEMS
    assert [picture.name for picture in stored["cut"].pictures] == ["images/red.png"]
    assert [len(stored[name].pictures) for name in ("huge", "lost", "moving", "print")] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("text", "item_id"),
    [("a bicycle", "cut"), ("a white wall", "huge"), ("a wooden table", "lost"), ("a blue lamp", "blue-lamp")],
)
def test_good_items_are_found_by_their_texts(client: Client, text: str, item_id: str) -> None:
    assert client.search_items(text=text, k=1).items[0].item_id == item_id


def test_odd_but_good_pictures_are_found_by_what_they_show(client: Client) -> None:
    found = client.search_items(image=encode(draw()), k=2)
    assert {item.item_id for item in found.items} == {"moving", "print"}


def test_good_events_are_in_also_those_of_a_user_never_heard_of(client: Client) -> None:
    histories = {user: client.get_history(user).events for user in ("ada", "newcomer")}
    assert {user: [event.item_id for event in events] for user, events in histories.items()} == {
        "ada": ["red-shoe"],
        "newcomer": ["blue-lamp"],
    }


def test_the_same_folder_again_changes_nothing_and_tells_the_same(
    shared_mesh: MeshState, folder: Path, document: Any
) -> None:
    again = json.loads(ingest(folder, shared_mesh, "--json").stdout)
    assert (again["items"], again["unchanged"], again["duplicates"]) == (7, 7, 3)
    assert again["encoded"] == {"text": 0, "image": 0}
    assert again["refused"] == document["refused"]


def test_people_see_how_much_was_refused_and_where(shared_mesh: MeshState, folder: Path, document: Any) -> None:
    shown = ingest(folder, shared_mesh).stdout
    assert f"refused      {document['refused_count']}  {document['failed']} lines failed altogether" in shown
    assert "is no UTF-8: 0xff" in shown


def test_a_wrong_header_fails_and_names_the_right_one_and_the_items_are_in(
    shared_mesh: MeshState, tmp_path: Path
) -> None:
    (tmp_path / "items.jsonl").write_text('{"item_id": "chair", "title": "A chair"}\n')
    (tmp_path / "interactions.csv").write_text("user,item,when,stars\nada,chair,1700000000,5\n")
    ingested = modalmesh("ingest", str(tmp_path), "--namespace", "bad-header", "--json", home=shared_mesh.home)
    document = json.loads(ingested.stdout)
    (refused,) = document["refused"]
    assert (ingested.returncode, document["items"], document["events"]) == (1, 1, 0)
    assert (document["unusable_files"], document["refused_count"]) == (["interactions.csv"], 1)
    assert (refused["file"], refused["line"], refused["field"]) == ("interactions.csv", 1, "header")
    assert "must be user_id,item_id,timestamp,rating[,type], is 'user,item,when,stars'" in refused["message"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (bad_folder.CUT_JPEG[:5000], "is a broken picture"),
        (b"text called .jpg", "is no JPEG, PNG, WebP or GIF"),
        (huge_png(), "has 13000 x 13000 pixels, the limit is 50000000"),
    ],
    ids=["truncated", "text", "169 megapixels"],
)
def test_a_search_by_a_bad_picture_says_what_is_wrong_with_it(
    shared_mesh: MeshState, ingested: Finished, tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "query.jpg"
    path.write_bytes(content)
    refused = modalmesh("search", "--image", str(path), "--namespace", NAMESPACE, "--json", home=shared_mesh.home)
    error = json.loads(refused.stdout)["error"]
    assert (refused.returncode, error["reason"], error["field"]) == (1, "NOT_ENCODABLE", "image")
    assert error["message"].startswith(words)


@pytest.mark.parametrize(
    ("verb", "reason", "words"),
    [
        (["recommend", "ada", "--namespace", "nowhere"], "UNKNOWN_NAMESPACE", "there is no namespace 'nowhere'"),
        (["recommend", "ada", "--namespace", "No Such!"], "INVALID_NAMESPACE", "must be 1 to 64 of a-z"),
        (["similar", "novel", "--namespace", NAMESPACE], "UNKNOWN_ITEM", "there is no item 'novel'"),
        (["recommend", "", "--namespace", NAMESPACE], "EMPTY", "is empty"),
    ],
)
def test_what_a_verb_asks_wrongly_is_named(
    shared_mesh: MeshState, ingested: Finished, verb: list[str], reason: str, words: str
) -> None:
    refused = modalmesh(*verb, "--json", home=shared_mesh.home)
    error = json.loads(refused.stdout)["error"]
    assert (refused.returncode, error["reason"]) == (1, reason)
    assert words in error["message"]


@pytest.mark.parametrize("k", ["0", "-1", "1000000"])
def test_k_outside_its_range_is_wrong_use(shared_mesh: MeshState, k: str) -> None:
    refused = modalmesh("recommend", "ada", "-k", k, "--json", home=shared_mesh.home)
    assert refused.returncode == 2
    assert json.loads(refused.stdout)["error"]["field"] == "-k"
    assert f"{k} is not in the range 1<=x<=1000" in refused.stderr
