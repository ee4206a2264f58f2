"""What a row of interactions.csv becomes."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modalmesh.data_folder import BadLine, DataFolder
from modalmesh.data_folder.event_rows import parse_event
from modalmesh.errors import InvalidInput
from modalmesh.types import Event
from tests.unit.data_folder.conftest import HEADER, Writer


def events(folder: Path) -> list[Event]:
    entries = list(DataFolder(folder).events())
    assert all(isinstance(entry, Event) for entry in entries), entries
    return [entry for entry in entries if isinstance(entry, Event)]


def test_a_row_is_a_rating_at_its_second(write_events: Writer) -> None:
    (event,) = events(write_events("429,22,828124615,4.0"))
    assert (event.user_id, event.item_id, event.time_ms) == ("429", "22", 828124615000)
    assert (event.type, event.value) == ("rating", 4.0)


def test_a_column_type_says_what_else_it_was(write_events: Writer) -> None:
    folder = write_events("a,x,1.5,,view", "a,y,2,3,purchase", "a,z,3,4,", header=f"{HEADER},type")
    assert [(event.type, event.value, event.time_ms) for event in events(folder)] == [
        ("view", None, 1500),
        ("purchase", 3.0, 2000),
        ("rating", 4.0, 3000),
    ]


def test_ids_are_the_rows_hashes_and_stay_the_same(write_events: Writer) -> None:
    folder = write_events("a,x,1,4", "a,x,2,4", "b,x,1,4")
    first, again = events(folder), events(folder)
    assert [event.event_id for event in first] == [event.event_id for event in again]
    assert len({event.event_id for event in first}) == 3


def test_an_added_column_type_leaves_ids_as_they_were(write_events: Writer) -> None:
    (before,) = events(write_events("a,x,1,4"))
    (after,) = events(write_events("a,x,1,4,rating", header=f"{HEADER},type"))
    assert before == after


def test_quotes_blanks_and_windows_line_ends_are_fine(write_events: Writer) -> None:
    folder = write_events('"a,1", x ,1,4\r', "", "b,y,2,5\r", header=f"\ufeff{HEADER}\r")
    assert [(event.user_id, event.item_id) for event in events(folder)] == [("a,1", "x"), ("b", "y")]


@pytest.mark.parametrize(
    ("row", "field", "message"),
    [
        ("a,x,1", "line", "has 3 columns instead of 4"),
        ("a,x,1,4,view", "line", "has 5 columns instead of 4"),
        (",x,1,4", "user_id", "is empty"),
        ("a,,1,4", "item_id", "is empty"),
        ("a,x,,4", "timestamp", "is empty"),
        ("a,x,soon,4", "timestamp", "is no number: 'soon'"),
        ("a,x,1_000,4", "timestamp", "is no number"),
        ("a,x,inf,4", "timestamp", "is NaN or infinite"),
        ("a,x,1e30,4", "timestamp", "is out of range"),
        ("a,x,1,", "rating", "is empty"),
        ("a,x,1,good", "rating", "is no number: 'good'"),
        ("a,x,1,nan", "rating", "is NaN or infinite"),
        ("a,x,1,-Infinity", "rating", "is NaN or infinite"),
        ('a,"x"y,1,4', "line", "is no CSV"),
        (b"a,\xff,1,4", "line", "byte 3 is no UTF-8: 0xff"),
    ],
)
def test_a_bad_row_names_line_column_and_reason_and_the_rest_goes_on(
    write_events: Writer, row: str | bytes, field: str, message: str
) -> None:
    told, event = DataFolder(write_events(row, "b,y,2,5")).events()
    assert isinstance(told, BadLine)
    assert (told.file, told.line, told.field) == ("interactions.csv", 2, field)
    assert message in told.message
    assert isinstance(event, Event)


@pytest.mark.parametrize(
    "header",
    [
        "a,x,1,4",
        "user,item,time,rating",
        "item_id,user_id,timestamp,rating",
        "user_id,item_id,timestamp",
        "user_id;item_id;timestamp;rating",
        '"user_id',
        "\x00",
    ],
)
def test_a_wrong_header_is_one_complaint_that_names_the_columns(write_events: Writer, header: str) -> None:
    (told,) = DataFolder(write_events("a,x,1,4", "b,y,2,5", header=header)).events()
    assert isinstance(told, BadLine)
    assert (told.line, told.field, told.is_whole_file) == (1, "header", True)
    assert "user_id,item_id,timestamp,rating[,type]" in told.message or "is no CSV" in told.message


@given(st.text(), st.integers(4, 5))
def test_whatever_a_row_is_it_is_an_event_or_a_complaint(text: str, columns: int) -> None:
    with suppress(InvalidInput):
        event = parse_event(text, columns)
        assert event.user_id
        assert event.item_id
