"""What went wrong, in one line on stderr, and as a JSON document on stdout where that is wanted."""

import json
import sys
from dataclasses import asdict, dataclass

import click

from modalmesh.errors import InvalidInput, ModalmeshError
from modalmesh.local.failures import WrongSettings


@dataclass(frozen=True, slots=True)
class Failure:
    """`reason` is stable and for programs; `field` is empty where no input is to blame. By `request_id` the mesh's logs
    speak of it; empty where none was reached.
    """

    reason: str
    field: str
    message: str
    request_id: str = ""


def of_usage(error: click.UsageError) -> Failure:
    """Wrong use: the option or argument, and where to read more."""
    parameter = getattr(error, "param", None)
    field = parameter.opts[-1] if isinstance(parameter, click.Parameter) else ""
    where = error.ctx.command_path if error.ctx else "modalmesh"
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return Failure("WRONG_USE", "", f"which verb? `{where} --help` lists them")
    message = " ".join(error.format_message().split()).rstrip(".")
    return Failure("WRONG_USE", field, f"{message} (see `{where} --help`)")


def of_error(error: ModalmeshError | OSError) -> Failure:
    if isinstance(error, InvalidInput):
        return Failure(error.reason, error.field, error.detail, error.request_id)
    if isinstance(error, ModalmeshError):
        return Failure(error.reason, "", error.told, error.request_id)
    place = f"{error.filename}: " if error.filename else ""
    return Failure("OS_ERROR", "", place + (error.strerror or str(error)))


def of_fault(error: Exception) -> Failure:
    return Failure("INTERNAL", "", f"a fault of modalmesh itself: {type(error).__name__}: {error}")


def tell(failure: Failure, as_json: bool) -> None:
    field = f"{failure.field}: " if failure.field and failure.field not in failure.message else ""
    line = " ".join(f"{field}{failure.message}".split())
    request = f" (request {failure.request_id})" if failure.request_id else ""
    sys.stderr.write(f"modalmesh: {line} [{failure.reason}]{request}\n")
    _put_out(failure, as_json)


def tell_settings(error: WrongSettings, as_json: bool) -> None:
    """Here it is more than a line: each is another setting to correct, as its server would say it."""
    sys.stderr.writelines(f"{line}\n" for line in error.lines)
    sys.stderr.write(f"modalmesh: nothing was started [{error.reason}]\n")
    _put_out(of_error(error), as_json)


def _put_out(failure: Failure, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({"error": asdict(failure)}, ensure_ascii=False) + "\n")
