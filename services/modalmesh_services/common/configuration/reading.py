"""Settings that are read whole, refused with all that is wrong in them, and shown. Knows no grpc.

`--print-config` puts out what is in effect: a value, where it came from, and by which flag and variable to change it.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn, Self

from pydantic import PrivateAttr, ValidationError
from pydantic_settings import BaseSettings, CliSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from modalmesh_services.common.configuration.command_line import CommandLine, flag
from modalmesh_services.common.configuration.environment import (
    Environment,
    Unusable,
    may_hold_secret,
    unknown_variables,
    variable,
)
from modalmesh_services.common.configuration.masking import masked
from modalmesh_services.common.configuration.telling import tell, wants_json


class Configuration(BaseSettings):
    """Flags win over environment, environment over defaults."""

    model_config = SettingsConfigDict(frozen=True, cli_kebab_case=True, extra="ignore", cli_hide_none_type=True)

    _warnings: tuple[str, ...] = PrivateAttr(default=())

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was given and is of no effect, a line each, to be logged as soon as the log is set up."""
        return self._warnings

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, Environment(settings_cls)

    @classmethod
    def load(
        cls, program: str, description: str, arguments: Sequence[str] | None = None, *, for_people: bool = False
    ) -> Self:
        """Read flags and environment.

        Exits with 2 and one line an error, each naming flag and environment variable, when anything is wrong; with 0
        when only to print what is in effect. A line is a record where the log would be of records, unless it is
        `for_people`.
        """
        as_json = not for_people and wants_json(cls, sys.argv[1:] if arguments is None else arguments)
        command_line = CommandLine(cls, program, description, as_json=as_json)
        flags: CliSettingsSource[Any] = CliSettingsSource(cls, root_parser=command_line)
        options, wants_print, wrong = command_line.read(arguments)
        given = sorted(vars(options))
        variables = list(unknown_variables(cls))
        wrong += [str(unknown) for unknown in variables if unknown.is_misspelling]
        try:
            settings = cls(_cli_settings_source=flags(parsed_args=options))
        except ValidationError as error:
            _exit(program, [*wrong, *_refusals(cls, error)], as_json=as_json)
        if wrong:
            _exit(program, wrong, as_json=as_json)
        settings._warnings = tuple(f"{unknown}; it is ignored" for unknown in variables if not unknown.is_misspelling)
        if wants_print:
            _print(program, settings, given)
        return settings

    def in_effect(self, flags: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
        """Each setting by its name, for people and programs; `flags` are the settings that were given by flag."""
        environment = Environment(type(self))
        variables = environment()
        return {name: self._told(name, flags, variables, environment) for name in type(self).model_fields}

    def _told(
        self, name: str, flags: Sequence[str], variables: Mapping[str, Any], environment: Environment
    ) -> dict[str, Any]:
        field = type(self).model_fields[name]
        value = getattr(self, name)
        file = environment.file(field, name)
        origin = "flag" if name in flags else "default" if name not in variables else "file" if file else "environment"
        shown = {
            "value": masked(value) if may_hold_secret(field) else value,
            "from": origin,
            "flag": flag(name),
            "variable": variable(type(self), name),
        }
        return {**shown, "file": file} if origin == "file" else shown


def _refusals(settings: type[BaseSettings], error: ValidationError) -> Iterator[str]:
    """A line for each setting that is wrong."""
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"])
        keys = f"{flag(name)} ({variable(settings, name)})"
        value = problem["input"]
        if isinstance(value, Unusable):
            yield f"{keys}: {value.reason}"
        else:
            field = settings.model_fields.get(name)
            shown = masked(value) if field and may_hold_secret(field) and isinstance(value, str) else value
            yield f"{keys}: {problem['msg']}, got {shown!r}"


def _exit(program: str, wrong: Sequence[str], *, as_json: bool) -> NoReturn:
    tell(program, wrong, as_json=as_json)
    sys.exit(2)


def _print(program: str, settings: Configuration, flags: Sequence[str]) -> NoReturn:
    sys.stderr.writelines(f"{program}: {line}\n" for line in settings.warnings)
    document = {"server": program, "settings": settings.in_effect(flags)}
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    sys.exit(0)
