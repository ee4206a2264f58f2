"""What a line of items.jsonl becomes."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modalmesh.data_folder import BadLine, DataFolder
from modalmesh.data_folder.item_lines import parse_item
from modalmesh.errors import InvalidInput
from modalmesh.types import Item
from tests.unit.data_folder.conftest import Writer


def only_item(folder: Path) -> Item:
    (entry,) = DataFolder(folder).items()
    assert isinstance(entry, Item), entry
    return entry


def only_complaint(folder: Path) -> BadLine:
    (entry,) = DataFolder(folder).items()
    assert isinstance(entry, BadLine), entry
    return entry


def test_text_fields_are_read(write_items: Writer) -> None:
    item = only_item(
        write_items({"item_id": "7", "title": "Lamp", "description": "It shines.", "tags": ["light", " "]})
    )
    assert (item.item_id, item.title, item.description, item.tags) == ("7", "Lamp", "It shines.", ("light",))


@pytest.mark.parametrize(
    ("tagline", "description", "expected"),
    [("Bright!", "It shines.", "Bright!\nIt shines."), ("Bright!", "", "Bright!"), ("", "It shines.", "It shines.")],
)
def test_a_tagline_leads_the_description(write_items: Writer, tagline: str, description: str, expected: str) -> None:
    folder = write_items({"item_id": "7", "tagline": tagline, "description": description})
    assert only_item(folder).description == expected


def test_null_is_as_good_as_absent(write_items: Writer) -> None:
    keys = ["title", "description", "tagline", "tags", "images", "frames", "video", "videos", "year", "attributes"]
    assert only_item(write_items({"item_id": "7", **dict.fromkeys(keys), "colour": None})) == Item("7")


def test_other_keys_are_attributes(write_items: Writer) -> None:
    folder = write_items(
        {"item_id": "7", "genres": ["Drama", "", "War"], "runtime_min": 81, "score": 0.5, "new": True, "empty": ""}
    )
    assert only_item(folder).attributes == {
        "genres": ("Drama", "War"),
        "runtime_min": ("81",),
        "score": ("0.5",),
        "new": ("true",),
    }


def test_the_object_attributes_wins_over_a_key_of_the_same_name(write_items: Writer) -> None:
    folder = write_items({"item_id": "7", "colour": "red", "attributes": {"colour": "blue", "size": [1, 2]}})
    assert only_item(folder).attributes == {"colour": ("blue",), "size": ("1", "2")}


def ms(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type, misc]  # year, month, day and more


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"year": 1995}, ms(1995, 1, 1)),
        ({"year": 1902}, ms(1902, 1, 1)),
        ({"release_date": "1995-10-30", "year": 1994}, ms(1995, 10, 30)),
        ({"release_date": None, "year": 1995}, ms(1995, 1, 1)),
        ({"release_date": "", "year": 1995}, ms(1995, 1, 1)),
        ({"release_date": "1995-10-30T06:00:00+06:00"}, ms(1995, 10, 30)),
        ({"time": 12.5, "year": 1995}, 12_500),
        ({"time": "1969-12-31T23:59:59"}, -1000),
        ({}, None),
    ],
)
def test_the_time_is_the_first_of_time_release_date_and_year(
    write_items: Writer, keys: dict[str, Any], expected: int | None
) -> None:
    item = only_item(write_items({"item_id": "7", **keys}))
    assert item.time_ms == expected
    assert not item.attributes


BAD_LINES: list[tuple[str | dict[str, Any] | bytes, str, str]] = [
    ('{"item_id": "7"', "line", "is no JSON: Expecting ',' delimiter at character 16"),
    ('["7"]', "line", "must be an object, is a list"),
    ("7", "line", "must be an object, is a number"),
    ('{"item_id": "7", "score": NaN}', "line", "NaN is no JSON value"),
    ("[" * 200_000, "line", "nested too deeply"),
    ('{"item_id": "7", "n": ' + "9" * 5000 + "}", "line", "is no JSON"),
    (b'{"item_id": "\xff\xfe"}', "line", "byte 14 is no UTF-8: 0xff"),
    ({"title": "Lamp"}, "item_id", "is missing or empty"),
    ({"item_id": ""}, "item_id", "is missing or empty"),
    ({"item_id": None}, "item_id", "is missing or empty"),
    ({"item_id": 7}, "item_id", "must be a string, is a number"),
    ({"item_id": "7", "title": ["Lamp"]}, "title", "must be a string, is a list"),
    ({"item_id": "7", "title": True}, "title", "must be a string, is true or false"),
    ({"item_id": "7", "tags": "light"}, "tags", "must be a list of strings, is a string"),
    ({"item_id": "7", "tags": ["light", 7]}, "tags[1]", "must be a string, is a number"),
    ({"item_id": "7", "images": {}}, "images", "must be a list of strings, is an object"),
    ({"item_id": "7", "video": ["a.mp4"]}, "video", "must be a string, is a list"),
    ({"item_id": "7", "attributes": []}, "attributes", "must be an object, is a list"),
    ({"item_id": "7", "year": "1995"}, "year", "must be a whole number, is a string"),
    ({"item_id": "7", "year": 1995.5}, "year", "must be a whole number"),
    ({"item_id": "7", "year": 0}, "year", "must be 1 to 9999, is 0"),
    ({"item_id": "7", "release_date": "30.10.1995"}, "release_date", "is no ISO 8601 date: '30.10.1995'"),
    ({"item_id": "7", "release_date": 1995}, "release_date", "must be a string, is a number"),
    ({"item_id": "7", "time": []}, "time", "must be Unix seconds or an ISO 8601 date, is a list"),
    ({"item_id": "7", "time": 1e300}, "time", "is out of range"),
    ('{"item_id": "7", "time": 1e999}', "time", "is out of range"),
    ({"item_id": "7", "time": 10**400}, "time", "is out of range"),
    ({"item_id": "7", "year": 10**400}, "year", "must be 1 to 9999"),
    ('{"item_id": "7", "year": 1e999}', "year", "must be"),
    ('{"item_id": "7", "title": "\\ud800"}', "title", "character 1 is half of a surrogate pair"),
]


@pytest.mark.parametrize(("line", "field", "message"), BAD_LINES)
def test_a_bad_line_names_field_and_reason(
    write_items: Writer, line: str | dict[str, Any] | bytes, field: str, message: str
) -> None:
    complaint = only_complaint(write_items(line))
    assert (complaint.file, complaint.line, complaint.field) == ("items.jsonl", 1, field)
    assert message in complaint.message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("x" * 257, "has 257 characters, an attribute at most 256"),
        (["x"] * 257, "has 257 values, at most 256"),
        ({"deep": 1}, "must be a string, a finite number or a list of them, is an object"),
        ([["deep"]], "is a list"),
    ],
)
def test_an_attribute_that_is_none_is_told_and_the_item_goes_in(
    write_items: Writer, value: object, message: str
) -> None:
    told, item = DataFolder(write_items({"item_id": "7", "odd": value, "colour": "red"})).items()
    assert isinstance(told, BadLine)
    assert (told.line, told.field) == (1, "odd")
    assert message in told.message
    assert "goes in without it" in told.message
    assert item == Item("7", attributes={"colour": ("red",)})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(
    ["item_id", "title", "tags", "images", "video", "year", "release_date", "time", "attributes", "tagline", "x"]
)


@given(st.dictionaries(keys, json_values) | json_values)
def test_whatever_a_line_holds_it_is_an_item_or_a_complaint(line: object) -> None:
    with suppress(InvalidInput):
        item, _ = parse_item(json.dumps(line), Path("/nowhere"))
        assert item.item_id


@given(st.text())
def test_whatever_text_a_line_is_it_is_an_item_or_a_complaint(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_item(text, Path("/nowhere"))
