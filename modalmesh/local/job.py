"""Work in a process of its own that tells by lines of JSON how far it is: what trains needs libraries that this lacks.

The lines are those of modalmesh_services.fusion_ranker.job.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from modalmesh.errors import InvalidInput, ModalmeshError
from modalmesh.local.stoppable import stoppable

Told = Callable[[str, Any], None]
"""Called with a line's kind (note, progress, step) and what it says."""

_NEEDED = ("jinja2", "psutil", "safetensors", "scipy", "sklearn", "torch")
_END_SECONDS = 90.0


def run_job(
    module: str, arguments: Sequence[str], tell: Told, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Run `python -m module` and return its result. Its stderr is this process's, and so is its environment, but for
    what `environment` puts over it.

    Ended by Ctrl-C, SIGTERM or SIGHUP, it ends the process and waits until that has cleaned up.

    Raises:
        ModalmeshError: what the process failed with, by its reason; or it ended without a word.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        message = f"this needs more than the client (no {', '.join(missing)}): pip install 'modalmesh[local]'"
        raise ModalmeshError(message, reason="NOT_INSTALLED")
    with stoppable():
        process = subprocess.Popen(  # noqa: S603 - our own command
            (sys.executable, "-P", "-m", module, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, **(environment or {})},
            # A Ctrl-C reaches it through us alone, once.
            start_new_session=True,
        )
        try:
            result = _listen(process, tell)
            code = process.wait()
        except BaseException:
            _end(process)
            raise
    if result is None:
        raise ModalmeshError(f"{module} ended with {code} and without a word", reason="JOB_DIED")
    return result


def _listen(process: "subprocess.Popen[str]", tell: Told) -> dict[str, Any] | None:
    """Tell what comes; the result, or none where the process ended without one."""
    assert process.stdout is not None, "piped"  # noqa: S101 - for the type checker
    with process.stdout:
        for line in process.stdout:
            ((kind, value),) = json.loads(line).items()
            if kind == "result":
                result: dict[str, Any] = value
                return result
            if kind == "error":
                raise _failure(value)
            tell(kind, value)
    return None


def _failure(error: dict[str, str]) -> ModalmeshError:
    if error["field"]:
        return InvalidInput(error["field"], error["message"], reason=error["reason"])
    return ModalmeshError(error["message"], reason=error["reason"])


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
