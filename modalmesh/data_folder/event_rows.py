"""A row of interactions.csv -> an Event."""

import csv
import hashlib
import math

from modalmesh.errors import InvalidInput
from modalmesh.types import Event

COLUMNS = ("user_id", "item_id", "timestamp", "rating", "type")
"""The last one may be left out; every event is a rating then."""

HEADER_FIELD = "header"
EXPECTED = "user_id,item_id,timestamp,rating[,type]"

_DEFAULT_TYPE = "rating"
_LAST_SECOND = 10**12
"""Some 30,000 years: what is beyond can't be a time, nor be counted in milliseconds."""


def check_header(text: str) -> int:
    """How many columns the file has.

    Raises:
        InvalidInput: it isn't a header that we know; nothing of the file can be used.
    """
    names = tuple(cell.strip() for cell in _cells(text, field=HEADER_FIELD))
    if names not in (COLUMNS, COLUMNS[:-1]):
        raise InvalidInput(
            HEADER_FIELD, f"must be {EXPECTED}, is {text[:200]!r}: nothing of the file is used", reason="WRONG_HEADER"
        )
    return len(names)


def parse_event(text: str, columns: int) -> Event:
    """Read a row of `columns` cells.

    Raises:
        InvalidInput: names the column and what is wrong with it.
    """
    cells = [cell.strip() for cell in _cells(text, field="line")]
    if len(cells) != columns:
        raise InvalidInput("line", f"has {len(cells)} columns instead of {columns}", reason="WRONG_COLUMNS")
    user_id, item_id, timestamp, rating = cells[:4]
    kind = (cells[4] if columns > 4 else "") or _DEFAULT_TYPE
    for name, value in (("user_id", user_id), ("item_id", item_id)):
        if not value:
            raise InvalidInput(name, "is empty", reason="EMPTY")
    seconds = _number("timestamp", timestamp)
    if abs(seconds) > _LAST_SECOND:
        raise InvalidInput("timestamp", f"is out of range: {timestamp[:40]}", reason="OUT_OF_RANGE")
    # Only a rating says nothing without its value.
    value_given = rating or kind == _DEFAULT_TYPE
    return Event(
        user_id=user_id,
        item_id=item_id,
        time_ms=round(seconds * 1000),
        type=kind,
        value=_number("rating", rating) if value_given else None,
        event_id=_row_hash(user_id, item_id, timestamp, rating, kind),
    )


def _row_hash(*cells: str) -> str:
    """32 hex digits of the row as it is written, the same with and without the column type."""
    return hashlib.sha256("\x1f".join(cells).encode()).hexdigest()[:32]


def _cells(text: str, *, field: str) -> list[str]:
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as error:
        raise InvalidInput(field, f"is no CSV: {error}", reason="NOT_CSV") from error


def _number(field: str, text: str) -> float:
    if not text:
        raise InvalidInput(field, "is empty", reason="EMPTY")
    try:
        # Python would also take 1_000.
        number = float(text) if "_" not in text else None
    except ValueError:
        number = None
    if number is None:
        raise InvalidInput(field, f"is no number: {text[:40]!r}", reason="NOT_A_NUMBER")
    if not math.isfinite(number):
        raise InvalidInput(field, f"is NaN or infinite: {text[:40]!r}", reason="NOT_FINITE")
    return number
