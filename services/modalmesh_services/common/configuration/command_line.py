"""A server's flags: one for each setting, and none that is only nearly one."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from typing import NoReturn

from pydantic_settings import BaseSettings

from modalmesh_services.common.configuration.environment import variable
from modalmesh_services.common.configuration.misspellings import nearest
from modalmesh_services.common.configuration.telling import tell

_PRINT = "print_config"


def flag(name: str) -> str:
    """The flag of a setting."""
    return f"--{name.replace('_', '-')}"


class CommandLine(ArgumentParser):
    """The parser of a server. Part of a flag is none: the next release may have two that begin like this."""

    def __init__(self, settings: type[BaseSettings], program: str, description: str, *, as_json: bool) -> None:
        super().__init__(
            prog=program,
            description=description,
            epilog=f"example: {program} --port 50051. Every flag is also an environment variable: "
            f"--port is {variable(settings, 'port')}.",
            allow_abbrev=False,
        )
        self._as_json = as_json
        self._flags = [flag(name) for name in (*settings.model_fields, _PRINT)]
        self.add_argument(
            flag(_PRINT), action="store_true", help="put out the settings in effect as JSON, and start nothing"
        )

    def read(self, arguments: Sequence[str] | None) -> tuple[Namespace, bool, list[str]]:
        """The flags that were given, whether only to print what is in effect, and a line for each unknown one."""
        options, unknown = self.parse_known_args(arguments)
        wants_print = vars(options).pop(_PRINT)
        return options, wants_print, list(self._told(unknown))

    def error(self, message: str) -> NoReturn:
        """One line: the usage is as long as the list of all settings."""
        tell(self.prog, [f"{message} (--help lists all flags)"], as_json=self._as_json)
        self.exit(2)

    def _told(self, unknown: Sequence[str]) -> Iterator[str]:
        follows_flag = False
        for argument in unknown:
            if argument.startswith("-"):
                name = argument.partition("=")[0]
                meant = nearest(name, self._flags)
                yield f"{name}: there is no such flag" + (f": did you mean {meant}?" if meant else "")
            elif not follows_flag:
                yield f"{argument!r}: belongs to no flag"
            follows_flag = argument.startswith("-") and "=" not in argument
