"""Settings from environment variables: by value or by file, and which variables no server knows. Knows no grpc."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource

from modalmesh_services.common.configuration.misspellings import is_misspelling, nearest
from modalmesh_services.common.configuration.other_variables import OTHER_PREFIXES, OTHER_VARIABLES

# What Kubernetes puts into each container for a Service named modalmesh-text-encoder: MODALMESH_TEXT_ENCODER_PORT is
# tcp://10.0.0.1:50051, and so on.
_LINK_NAME = re.compile(r"_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$")
_LINK_VALUE = re.compile(r"(tcp|udp|sctp)://")
_FILE = "_FILE"
_MOST_FILE_BYTES = 64 * 1024


class HoldsSecret:
    """Marks a setting whose value may hold a password: it may come from a file, and is never shown whole."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """Stands for a value that can't be had, so that validation refuses it together with all that is wrong."""

    reason: str


@dataclass(frozen=True, slots=True)
class UnknownVariable:
    """A variable with a server's prefix that is none of its settings; `meant` is the nearest that is one.

    A misspelling is refused. Anything else is only told: it may be a setting of another release, to which or from
    which somebody is just rolling back, or belong to whoever runs the container.
    """

    name: str
    meant: str
    is_misspelling: bool

    def __str__(self) -> str:
        hint = f": did you mean {self.meant}?" if self.meant else ""
        return f"{self.name}: there is no such setting{hint}"


def variable(settings: type[BaseSettings], name: str) -> str:
    """The environment variable of a setting."""
    return f"{settings.model_config.get('env_prefix', '')}{name}".upper()


def may_hold_secret(field: FieldInfo) -> bool:
    return any(isinstance(mark, HoldsSecret) for mark in field.metadata)


class Environment(EnvSettingsSource):
    """The variables of one class. Where a `NAME` may hold a secret, `NAME_FILE` names a file with its value."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        value, key, is_complex = super().get_field_value(field, field_name)
        if _is_service_link(field_name, value):
            value = None
        file = self.file(field, field_name)
        if file:
            name = variable(self.settings_cls, field_name)
            both = f"{name} and {name}{_FILE} are both set: one is enough"
            value = Unusable(both) if value else _read(f"{name}{_FILE}", file)
        return value, key, is_complex

    def file(self, field: FieldInfo, field_name: str) -> str:
        """The file that the value is to come from; empty if none is named."""
        if not may_hold_secret(field):
            return ""
        return self.env_vars.get(f"{self.env_prefix}{field_name}{_FILE}".lower()) or ""


def unknown_variables(settings: type[BaseSettings]) -> Iterator[UnknownVariable]:
    """Variables with the prefix of these settings that neither they nor anything else of modalmesh knows."""
    prefix = settings.model_config.get("env_prefix", "").upper()
    if not prefix:
        # All variables of the machine would be theirs.
        return
    known = list(_known(settings))
    for name, value in sorted(os.environ.items()):
        given = name.upper()
        if not given.startswith(prefix) or given in known or _is_anothers(given, prefix, value):
            continue
        # The prefix is alike in all, and would make all of them look alike.
        meant = nearest(given.removeprefix(prefix), [other.removeprefix(prefix) for other in known])
        is_wrong = is_misspelling(given.removeprefix(prefix), meant)
        yield UnknownVariable(name, f"{prefix}{meant}" if meant else "", is_wrong)


def _known(settings: type[BaseSettings]) -> Iterator[str]:
    for name, field in settings.model_fields.items():
        yield variable(settings, name)
        if may_hold_secret(field):
            yield variable(settings, name) + _FILE


def _is_anothers(name: str, prefix: str, value: str) -> bool:
    """Whether a part of modalmesh other than the one with this prefix, or Kubernetes, has its reason for it."""
    longer = tuple(other for other in OTHER_PREFIXES if len(other) > len(prefix))
    is_link = bool(_LINK_NAME.search(name)) or _is_service_link(name, value)
    return name in OTHER_VARIABLES or name.startswith(longer) or is_link


def _is_service_link(name: str, value: object) -> bool:
    return name.upper().endswith("PORT") and isinstance(value, str) and bool(_LINK_VALUE.match(value))


def _read(name: str, file: str) -> str | Unusable:
    """The file's text without the line break at its end; what is wrong never shows what is in it."""
    try:
        with Path(file).open("rb") as opened:
            content = opened.read(_MOST_FILE_BYTES + 1)
        text = content.decode().strip()
    except OSError as error:
        return Unusable(f"{name}: can't read {file}: {error.strerror}")
    except UnicodeDecodeError:
        return Unusable(f"{name}: {file} holds no text")
    if not text or len(content) > _MOST_FILE_BYTES:
        return Unusable(f"{name}: {file} is {'too large' if text else 'empty'}")
    return text
