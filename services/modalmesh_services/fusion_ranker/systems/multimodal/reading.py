"""TOML to a Configuration; what is wrong is refused with its field and the reason."""

import dataclasses
import tomllib
import typing
from collections.abc import Mapping
from importlib import resources
from typing import Any, TypeVar, cast

from modalmesh.errors import InvalidInput, NotFound
from modalmesh_services.fusion_ranker.systems.multimodal.configuration import Configuration

Settings = TypeVar("Settings")

_SUFFIX = ".toml"


def read_configuration(name: str) -> Configuration:
    """Of a system that comes with the package.

    Raises:
        NotFound: there is no such system.
    """
    folder = resources.files(__package__) / "configurations"
    kept = {entry.name.removesuffix(_SUFFIX): entry for entry in folder.iterdir() if entry.name.endswith(_SUFFIX)}
    if name not in kept:
        raise NotFound(f"there is no system {name!r}; there are {', '.join(sorted(kept))}")
    return parse_configuration(kept[name].read_bytes(), name)


def parse_configuration(text: bytes, name: str) -> Configuration:
    """`name` is the system's.

    Raises:
        InvalidInput: it is no TOML, or a setting is wrong; `field` is its path, such as history.kind.
    """
    try:
        table = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput("configuration", f"is no TOML: {error}", reason="NOT_TOML") from error
    return configuration_of({**table, "name": name})


def configuration_of(table: Mapping[str, Any]) -> Configuration:
    """The inverse of dataclasses.asdict, checked.

    Raises:
        InvalidInput: a setting is wrong.
    """
    configuration = _settings(Configuration, table, "")
    if not configuration.modalities:
        raise InvalidInput("modalities", "is empty: an item is what it says and shows", reason="EMPTY")
    for field, heads in (("fusion.heads", configuration.fusion.heads), ("history.heads", configuration.history.heads)):
        if configuration.dim % heads:
            raise InvalidInput(field, f"is {heads}, by which dim {configuration.dim} can't be divided", reason="HEADS")
    if configuration.training.batch % configuration.training.shards:
        raise InvalidInput("training.shards", f"doesn't divide the batch of {configuration.training.batch}")
    return configuration


def _settings(kind: type[Settings], table: object, path: str) -> Settings:
    if not isinstance(table, Mapping):
        raise InvalidInput(path, "is no table of settings", reason="WRONG_TYPE")
    known = {field.name: field for field in dataclasses.fields(cast(Any, kind))}
    types = typing.get_type_hints(kind)
    for name in table:
        if name not in known:
            raise InvalidInput(_join(path, name), f"is no setting; there are {', '.join(known)}", reason="UNKNOWN")
    values = {name: _value(types[name], known[name], table[name], _join(path, name)) for name in table}
    return kind(**values)


def _value(kind: Any, field: "dataclasses.Field[Any]", value: object, path: str) -> object:
    if dataclasses.is_dataclass(kind):
        return _settings(cast(type, kind), value, path)
    if typing.get_origin(kind) is tuple:
        return _names(field, value, path)
    if kind is float and type(value) is int:
        value = float(value)
    # By the exact type: true is an int to Python.
    if type(value) is not kind:
        raise InvalidInput(path, f"is {value!r}, no {kind.__name__}", reason="WRONG_TYPE")
    _check(field.metadata, value, path)
    return value


def _names(field: "dataclasses.Field[Any]", value: object, path: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise InvalidInput(path, f"is {value!r}, no list of names", reason="WRONG_TYPE")
    if len(set(value)) < len(value):
        raise InvalidInput(path, "names something twice", reason="DUPLICATE")
    for place, each in enumerate(value):
        _check(field.metadata, each, f"{path}[{place}]")
    return tuple(value)


def _check(allowed: Mapping[str, Any], value: Any, path: str) -> None:
    if "among" in allowed and value not in allowed["among"]:
        raise InvalidInput(path, f"is {value!r}; there are {', '.join(allowed['among'])}", reason="UNKNOWN")
    if "least" in allowed and not allowed["least"] <= value <= allowed["most"]:
        message = f"is {value}, not between {allowed['least']} and {allowed['most']}"
        raise InvalidInput(path, message, reason="OUT_OF_RANGE")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
