"""Dataclasses of arrays, numbers and names <-> a JSON document and named arrays, as bundles keep them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt

Kept = TypeVar("Kept")
Arrays = Mapping[str, npt.NDArray[np.generic]]

_ARRAY = "array"


def store(value: object) -> tuple[dict[str, Any], dict[str, npt.NDArray[np.generic]]]:
    """A dataclass to its document, in which arrays are named by where they stand, and those arrays."""
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    return _store(value, "", arrays), arrays


def restore(kind: type[Kept], document: Mapping[str, Any], arrays: Arrays) -> Kept:
    """The dataclass that `store` was given.

    Raises:
        ValueError: document and arrays are not whole, or of another class; says what is missing.
    """
    try:
        result: Kept = _restore(kind, document, arrays)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not what a {kind.__name__} was stored as: {error!r}") from error
    return result


def _store(value: Any, path: str, arrays: dict[str, npt.NDArray[np.generic]]) -> Any:
    if isinstance(value, np.ndarray):
        # safetensors takes whole arrays alone, no views.
        arrays[path] = np.ascontiguousarray(value)
        return {_ARRAY: path}
    if is_dataclass(value):
        return {each.name: _store(getattr(value, each.name), _under(path, each.name), arrays) for each in fields(value)}
    if isinstance(value, Mapping):
        return {name: _store(own, _under(path, name), arrays) for name, own in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_store(own, _under(path, str(place)), arrays) for place, own in enumerate(value)]
    return value


def _restore(kind: Any, document: Any, arrays: Arrays) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType or NoneType in arguments:
        return None if document is None else _restore(arguments[0], document, arrays)
    if origin is np.ndarray:
        return arrays[document[_ARRAY]]
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{name: _restore(hints[name], document[name], arrays) for name in hints})  # type: ignore[operator]
    if origin is not None and origin is not Literal and issubclass(origin, Mapping):
        return {name: _restore(arguments[1], own, arrays) for name, own in document.items()}
    if origin is not None and origin is not Literal and issubclass(origin, Sequence):
        return tuple(_restore(arguments[0], own, arrays) for own in document)
    return document


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
