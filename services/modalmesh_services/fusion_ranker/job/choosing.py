"""Which system is meant: its name, or a TOML file that changes the configuration of one."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modalmesh.errors import InvalidInput, NotFound
from modalmesh_services.fusion_ranker.systems import kind_of
from modalmesh_services.fusion_ranker.systems.interface import System

_SUFFIX, _BASE = ".toml", "system"


@dataclass(frozen=True, slots=True)
class Chosen:
    """`base` is the name under which the system's code is found."""

    base: str
    system: System


def choose(wanted: str, changes: Mapping[str, Any]) -> Chosen:
    """`wanted` is a name, or a file whose `system` is one (or else the file is called as one) and whose other settings
    change its configuration, as `changes` do in turn.

    Raises:
        NotFound: there is no such file.
        InvalidInput: there is no such system, or a setting is wrong.
    """
    if not wanted.endswith(_SUFFIX):
        return Chosen(wanted, kind_of(wanted).system(wanted, changes))
    settings = _read(Path(wanted))
    base = str(settings.pop(_BASE, Path(wanted).stem))
    return Chosen(base, kind_of(base).system(base, {**settings, **changes}))


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {file}", reason="NO_FILE") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(str(file), f"is no TOML: {error}", reason="NOT_TOML") from error
