import math
from dataclasses import replace

import pytest

from modalmesh.errors import InvalidInput, TooLarge
from modalmesh.types import Event, Item, Picture, Video
from modalmesh_gateway.validation import check_count, check_event, check_id, check_item, check_k, check_namespace

ITEM = Item("a", title="Mug")
EVENT = Event("u", "i", 1_500_000_000_000, "rating", 4.0)
NOW_MS = 1_600_000_000_000
DAY_MS = 24 * 3600 * 1000


@pytest.mark.parametrize("namespace", ["movies", "tenant-1", "a", "0.b_c", "x" * 64])
def test_a_plain_namespace_is_taken(namespace: str) -> None:
    check_namespace(namespace)


@pytest.mark.parametrize("namespace", ["", "Movies", "a b", "-a", "a{b}", "x" * 65, "é", "a\n"])
def test_any_other_namespace_is_refused(namespace: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_namespace(namespace)
    assert refused.value.field == "namespace"


@pytest.mark.parametrize("item_id", ["1", "tt0114709", "with space", "größe", "x" * 256, "a{b}c:d"])
def test_an_id_of_printable_characters_is_taken(item_id: str) -> None:
    check_id(item_id, "item_id")


@pytest.mark.parametrize(
    ("item_id", "reason"),
    [
        ("", "EMPTY"),
        ("x" * 1_000_000, "TOO_LARGE"),
        ("é" * 129, "TOO_LARGE"),
        ("a\nb", "CONTROL_CHARACTERS"),
        ("a\0", "CONTROL_CHARACTERS"),
        ("a\x7f", "CONTROL_CHARACTERS"),
        ("a\x85b", "CONTROL_CHARACTERS"),
        ("a\u2028b", "CONTROL_CHARACTERS"),
    ],
)
def test_an_id_that_is_empty_too_long_or_has_control_characters_is_refused(item_id: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_id(item_id, "items[3].item_id")
    assert (refused.value.field, refused.value.reason) == ("items[3].item_id", reason)


@pytest.mark.parametrize("k", [0, -1, 1001, 1_000_000])
def test_k_outside_its_range_is_refused(k: int) -> None:
    with pytest.raises(InvalidInput, match="k: must be 1 to 1000"):
        check_k(k)


@pytest.mark.parametrize("k", [1, 1000])
def test_k_at_the_ends_of_its_range_is_taken(k: int) -> None:
    check_k(k)


def test_a_list_must_hold_something_but_not_too_much() -> None:
    check_count([1, 2], "ids", 2)
    with pytest.raises(InvalidInput, match="ids: is empty"):
        check_count([], "ids", 2)
    with pytest.raises(TooLarge, match="3 entries"):
        check_count([1, 2, 3], "ids", 2)


@pytest.mark.parametrize(
    "item",
    [
        ITEM,
        Item("a", description="text\nof two\tlines"),
        Item("a", tags=["one"]),
        Item("a", pictures=[Picture(b"x")]),
        Item("a", videos=[Video(b"x")]),
        replace(ITEM, time_ms=-2_000_000_000_000),
        replace(ITEM, attributes={"genre": ["Drama"]}),
    ],
)
def test_an_item_with_one_modality_is_enough(item: Item) -> None:
    check_item(item)


@pytest.mark.parametrize(
    ("item", "field", "reason"),
    [
        (Item("a"), "item", "NO_MODALITY"),
        (Item("a", title="  ", tags=[" "], attributes={"genre": ["x"]}), "item", "NO_MODALITY"),
        (replace(ITEM, item_id=""), "item_id", "EMPTY"),
        (replace(ITEM, description="x" * 10_000_000), "description", "TOO_LARGE"),
        (replace(ITEM, title="a\x00b"), "title", "CONTROL_CHARACTERS"),
        (replace(ITEM, tags=["ok", "bad\x01"]), "tags[1]", "CONTROL_CHARACTERS"),
        (replace(ITEM, tags=["x"] * 257), "tags", "TOO_LARGE"),
        (replace(ITEM, pictures=[Picture(b"x"), Picture(b"")]), "pictures[1].content", "EMPTY"),
        (replace(ITEM, videos=[Video(b"")]), "videos[0].content", "EMPTY"),
        (replace(ITEM, pictures=[Picture(b"x")] * 33), "pictures", "TOO_LARGE"),
        (replace(ITEM, pictures=[Picture(b"x", "n" * 2000)]), "pictures[0].name", "TOO_LARGE"),
        (replace(ITEM, attributes={"": ["x"]}), "attributes", "EMPTY"),
        (replace(ITEM, attributes={"g": ["x" * 2000]}), "attributes['g']", "TOO_LARGE"),
        (replace(ITEM, attributes={str(n): ["x"] for n in range(65)}), "attributes", "TOO_LARGE"),
        (replace(ITEM, time_ms=10**15), "time_ms", "OUT_OF_RANGE"),
        (replace(ITEM, time_ms=-(10**15)), "time_ms", "OUT_OF_RANGE"),
    ],
)
def test_an_item_is_refused_by_the_field_that_is_wrong(item: Item, field: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_item(item)
    assert (refused.value.field, refused.value.reason) == (field, reason)


@pytest.mark.parametrize(
    "event", [EVENT, replace(EVENT, type="view", value=None), replace(EVENT, time_ms=0), replace(EVENT, event_id="e")]
)
def test_a_good_event_is_taken(event: Event) -> None:
    check_event(event, now_ms=NOW_MS)


@pytest.mark.parametrize(
    ("event", "field", "reason"),
    [
        (replace(EVENT, user_id=""), "user_id", "EMPTY"),
        (replace(EVENT, item_id="x" * 300), "item_id", "TOO_LARGE"),
        (replace(EVENT, event_id="a\n"), "event_id", "CONTROL_CHARACTERS"),
        (replace(EVENT, time_ms=-1), "time_ms", "NEGATIVE_TIME"),
        (replace(EVENT, time_ms=NOW_MS + 2 * DAY_MS), "time_ms", "FUTURE_TIME"),
        (replace(EVENT, type="Rating"), "type", "INVALID"),
        (replace(EVENT, type=""), "type", "INVALID"),
        (replace(EVENT, value=math.nan), "value", "NOT_FINITE"),
        (replace(EVENT, value=math.inf), "value", "NOT_FINITE"),
        (replace(EVENT, value=None), "value", "EMPTY"),
    ],
)
def test_an_event_is_refused_by_the_field_that_is_wrong(event: Event, field: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_event(event, now_ms=NOW_MS)
    assert (refused.value.field, refused.value.reason) == (field, reason)


def test_clocks_may_differ_by_a_day() -> None:
    check_event(replace(EVENT, time_ms=NOW_MS + DAY_MS - 1), now_ms=NOW_MS)
