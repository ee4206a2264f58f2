"""The gateway's door: every refusal names field and reason. Knows no grpc and no protobuf."""

import math
import re
import time
from collections.abc import Sequence

from modalmesh.errors import InvalidInput, TooLarge
from modalmesh.types import TEXT_FIELDS, Event, Item, Picture, Video

_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_EVENT_TYPE = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# In free text only what no writer means; line breaks and tabs are fine.
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

MAX_ID_BYTES = 256
MAX_TEXT_BYTES = 1024 * 1024
MAX_TAGS = 256
MAX_LABEL_BYTES = 1024
MAX_PICTURES = 32
MAX_VIDEOS = 4
MAX_ATTRIBUTES = 64
MAX_ATTRIBUTE_VALUES = 256
MAX_K = 1000
MAX_RANKED = 1000
MAX_EVENTS = 10_000
MAX_ITEMS = 10_000
_FUTURE_MS = 24 * 3600 * 1000
# The years 1 to 9999.
_ITEM_TIME_MS = (-62_135_596_800_000, 253_402_300_799_999)


def check_namespace(namespace: str) -> None:
    if not _NAMESPACE.fullmatch(namespace):
        raise InvalidInput(
            "namespace",
            "must be 1 to 64 of a-z, 0-9, '.', '_', '-', beginning with a letter or digit",
            reason="INVALID_NAMESPACE",
        )


def check_id(value: str, field: str) -> None:
    """An item's, user's or event's id."""
    if not value:
        raise InvalidInput(field, "is empty", reason="EMPTY")
    if len(value.encode()) > MAX_ID_BYTES:
        raise TooLarge(field, f"is longer than {MAX_ID_BYTES} bytes")
    if _CONTROL.search(value):
        raise InvalidInput(field, "holds control characters", reason="CONTROL_CHARACTERS")


def valid_id(value: str) -> str:
    """The id, to name a refused input by; empty where it is no good itself."""
    try:
        check_id(value, "")
    except InvalidInput:
        return ""
    return value


def check_k(k: int, field: str = "k") -> None:
    """How many are wanted."""
    if not 1 <= k <= MAX_K:
        raise InvalidInput(field, f"must be 1 to {MAX_K}, got {k}", reason="OUT_OF_RANGE")


def check_count(values: Sequence[object], field: str, largest: int) -> None:
    """A list of the request: at least one entry, at most `largest`."""
    if not values:
        raise InvalidInput(field, "is empty", reason="EMPTY")
    if len(values) > largest:
        raise TooLarge(field, f"has {len(values)} entries, at most {largest} are taken")


def check_distinct(ids: Sequence[str], field: str) -> None:
    if len(set(ids)) != len(ids):
        raise InvalidInput(field, "holds an id twice", reason="DUPLICATE_ID")


def check_item(item: Item) -> None:
    """Raises:
    InvalidInput: names the first field that is wrong.
    """
    check_id(item.item_id, "item_id")
    for name in ("title", "description"):
        _check_text(getattr(item, name), name, MAX_TEXT_BYTES)
    _check_list(item.tags, "tags", MAX_TAGS)
    for position, tag in enumerate(item.tags):
        _check_text(tag, f"tags[{position}]", MAX_LABEL_BYTES)
    _check_media(item)
    _check_attributes(item)
    if item.time_ms is not None and not _ITEM_TIME_MS[0] <= item.time_ms <= _ITEM_TIME_MS[1]:
        raise InvalidInput("time_ms", "is outside the years 1 to 9999", reason="OUT_OF_RANGE")
    if not item.text_fields() and not item.pictures and not item.videos:
        raise InvalidInput(
            "item", f"has no modality: none of {', '.join(TEXT_FIELDS)}, pictures, videos", reason="NO_MODALITY"
        )


def check_event(event: Event, *, now_ms: int | None = None) -> None:
    """Raises:
    InvalidInput: names the first field that is wrong.
    """
    check_id(event.user_id, "user_id")
    check_id(event.item_id, "item_id")
    if event.event_id:
        check_id(event.event_id, "event_id")
    if not _EVENT_TYPE.fullmatch(event.type):
        raise InvalidInput("type", "must be 1 to 32 of a-z, 0-9, '_', '-', beginning with a letter")
    if event.time_ms < 0:
        raise InvalidInput("time_ms", "is before 1970", reason="NEGATIVE_TIME")
    now = int(time.time() * 1000) if now_ms is None else now_ms
    if event.time_ms > now + _FUTURE_MS:
        raise InvalidInput("time_ms", "is more than a day in the future", reason="FUTURE_TIME")
    if event.value is not None and not math.isfinite(event.value):
        raise InvalidInput("value", "is NaN or infinite", reason="NOT_FINITE")
    if event.type == "rating" and event.value is None:
        raise InvalidInput("value", "a rating needs a value", reason="EMPTY")


def check_history(history: Sequence[Event], largest: int) -> None:
    """A history that comes with a request.

    Raises:
        InvalidInput: names the first event and field that are wrong.
    """
    if len(history) > largest:
        raise TooLarge("history", f"has {len(history)} entries, at most {largest} are taken")
    for position, event in enumerate(history):
        try:
            check_event(event)
        except InvalidInput as error:
            raise InvalidInput(f"history[{position}].{error.field}", error.detail, reason=error.reason) from None


def check_query(text: str) -> None:
    """A text that is searched for."""
    _check_text(text, "text", MAX_TEXT_BYTES)


def _check_media(item: Item) -> None:
    _check_list(item.pictures, "pictures", MAX_PICTURES)
    _check_list(item.videos, "videos", MAX_VIDEOS)
    media: list[tuple[str, Picture | Video]] = [
        *((f"pictures[{position}]", picture) for position, picture in enumerate(item.pictures)),
        *((f"videos[{position}]", video) for position, video in enumerate(item.videos)),
    ]
    for field, medium in media:
        if not medium.content:
            raise InvalidInput(f"{field}.content", "is empty", reason="EMPTY")
        _check_text(medium.name, f"{field}.name", MAX_LABEL_BYTES)


def _check_attributes(item: Item) -> None:
    _check_list(tuple(item.attributes), "attributes", MAX_ATTRIBUTES)
    for name, values in item.attributes.items():
        check_id(name, "attributes")
        _check_list(values, f"attributes[{name!r}]", MAX_ATTRIBUTE_VALUES)
        for value in values:
            _check_text(value, f"attributes[{name!r}]", MAX_LABEL_BYTES)


def _check_list(values: Sequence[object], field: str, largest: int) -> None:
    if len(values) > largest:
        raise TooLarge(field, f"has {len(values)} entries, at most {largest} are taken")


def _check_text(text: str, field: str, largest: int) -> None:
    if len(text.encode()) > largest:
        raise TooLarge(field, f"is longer than {largest} bytes")
    if _CONTROL_IN_TEXT.search(text):
        raise InvalidInput(field, "holds control characters", reason="CONTROL_CHARACTERS")
