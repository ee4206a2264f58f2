"""What is wrong with a server's settings, told in the form of a log that isn't set up yet. Knows no grpc."""

import logging
import os
import sys
from collections.abc import Sequence

from pydantic_settings import BaseSettings

from modalmesh_services.common.configuration.environment import variable
from modalmesh_services.common.observability.logs import JsonFormatter

_FLAG = "--log-format"


def wants_json(settings: type[BaseSettings], arguments: Sequence[str]) -> bool:
    """Whether flags, or else the environment, ask for JSON: nobody has read them where they are what is refused."""
    given = os.environ.get(variable(settings, "log_format"), "")
    for place, argument in enumerate(arguments):
        if argument == _FLAG:
            given = "".join(arguments[place + 1 : place + 2])
        elif argument.startswith(f"{_FLAG}="):
            given = argument.partition("=")[2]
    return given == "json"


def tell(program: str, lines: Sequence[str], *, as_json: bool) -> None:
    """A line each on stderr."""
    sys.stderr.writelines(f"{_record(program, line) if as_json else f'{program}: {line}'}\n" for line in lines)


def _record(program: str, line: str) -> str:
    fields = {"name": program, "levelno": logging.ERROR, "levelname": "ERROR", "msg": line}
    return JsonFormatter().format(logging.makeLogRecord(fields))
