"""Values of a JSON object, each checked for its type, refused with its key."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from modalmesh.errors import InvalidInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LAST_SECOND = 10**12
_KINDS = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}


def kind_of(value: object) -> str:
    """What JSON calls it."""
    return _KINDS.get(type(value), "a number")


def object_value(value: object, field: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInput(field, f"must be an object, is {kind_of(value)}", reason="WRONG_TYPE")
    return cast(dict[str, Any], value)


def text_value(record: dict[str, Any], key: str) -> str:
    """The string at `key`; empty where it is absent or null."""
    value = record.get(key)
    return "" if value is None else checked_text(value, key)


def text_list(record: dict[str, Any], key: str) -> list[str]:
    """The strings at `key`; none where it is absent or null."""
    values = record.get(key)
    if values is None:
        return []
    if not isinstance(values, list):
        raise InvalidInput(key, f"must be a list of strings, is {kind_of(values)}", reason="WRONG_TYPE")
    return [checked_text(value, f"{key}[{position}]") for position, value in enumerate(values)]


def checked_text(value: object, field: str) -> str:
    """Raises:
    InvalidInput: no string, or one that no UTF-8 can hold (JSON may escape half of a surrogate pair).
    """
    if not isinstance(value, str):
        raise InvalidInput(field, f"must be a string, is {kind_of(value)}", reason="WRONG_TYPE")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(
            field, f"character {error.start + 1} is half of a surrogate pair", reason="NOT_UTF8"
        ) from error
    return value


def read_time_ms(record: dict[str, Any]) -> int | None:
    """Unix milliseconds of the first of time, release_date and year that is there; negative before 1970."""
    readers = {"time": _time, "release_date": _date, "year": _year}
    for key, read in readers.items():
        value = record.get(key)
        if value is not None and value != "":
            return read(value, key)
    return None


def _time(value: object, key: str) -> int:
    if isinstance(value, str):
        return _date(value, key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput(key, f"must be Unix seconds or an ISO 8601 date, is {kind_of(value)}", reason="WRONG_TYPE")
    if not abs(value) <= _LAST_SECOND:  # NaN compares false
        raise InvalidInput(key, "is out of range", reason="OUT_OF_RANGE")
    return round(value * 1000)


def _date(value: object, key: str) -> int:
    """A date or a date with a time; UTC where it names no zone."""
    text = checked_text(value, key)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(key, f"is no ISO 8601 date: {text[:40]!r}", reason="WRONG_DATE") from error
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MILLISECOND


def _year(value: object, key: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value % 1 != 0:
        raise InvalidInput(key, f"must be a whole number, is {kind_of(value)}", reason="WRONG_TYPE")
    if not 1 <= value <= 9999:
        raise InvalidInput(key, f"must be 1 to 9999, is {str(value)[:40]}", reason="OUT_OF_RANGE")
    return (datetime(int(value), 1, 1, tzinfo=UTC) - _EPOCH) // _MILLISECOND
