"""Everything else that a line says of its item: attributes, each a list of short strings."""

import math
from collections.abc import Set
from typing import Any

from modalmesh.data_folder.values import checked_text, kind_of, object_value
from modalmesh.errors import InvalidInput, TooLarge

MAX_CHARACTERS = 256
"""A longer text is prose, by which no two items can agree."""

MAX_VALUES = 256

_WITHOUT = "; the item goes in without it"


def read_attributes(
    record: dict[str, Any], known_keys: Set[str]
) -> tuple[dict[str, tuple[str, ...]], list[InvalidInput]]:
    """Attributes by name, and complaints about those that are none.

    They are the keys that have no meaning of their own, and those in `attributes`, which win.

    Raises:
        InvalidInput: `attributes` is no object.
    """
    own = record.get("attributes")
    named = {key: value for key, value in record.items() if key not in known_keys}
    named |= {} if own is None else object_value(own, "attributes")
    attributes: dict[str, tuple[str, ...]] = {}
    complaints: list[InvalidInput] = []
    for name, value in named.items():
        try:
            values = _values(value, checked_text(name, "attributes"))
        except InvalidInput as error:
            complaints.append(error)
            continue
        if values:
            attributes[name] = values
    return attributes, complaints


def _values(value: object, field: str) -> tuple[str, ...]:
    """The strings of one attribute; null and empty ones are none."""
    many = value if isinstance(value, list) else [value]
    if len(many) > MAX_VALUES:
        raise TooLarge(field, f"has {len(many)} values, at most {MAX_VALUES} are taken{_WITHOUT}")
    texts = (_text(each, field) for each in many if each is not None)
    return tuple(text for text in texts if text)


def _text(value: object, field: str) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            text = str(value)
        case float() if math.isfinite(value):
            text = repr(value)
        case str():
            text = checked_text(value, field).strip()
        case _:
            raise InvalidInput(
                field,
                f"must be a string, a finite number or a list of them, is {kind_of(value)}{_WITHOUT}",
                reason="WRONG_TYPE",
            )
    if len(text) > MAX_CHARACTERS:
        raise TooLarge(field, f"has {len(text)} characters, an attribute at most {MAX_CHARACTERS}{_WITHOUT}")
    return text
