"""What a server leaves that can't run: records in the form that its log has, and an exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys, threading
from modalmesh_services.common.configuration.settings import ServerSettings
from modalmesh_services.common.server import main

class Settings(ServerSettings, env_prefix="MODALMESH_TOY_"):
    pass

def fail():
    raise KeyError("what ada wrote")

async def serve():
    if "WARNING" in sys.argv:
        thread = threading.Thread(target=fail, name="device 0")
        thread.start()
        thread.join()
    else:
        fail()

sys.exit(main(serve, Settings.load("modalmesh-toy", "", sys.argv[1:]), "toy"))
"""


def run(*flags: str, **environment: str) -> tuple[int, list[str]]:
    """The exit code and the lines on stderr."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *flags],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=60,
    )
    return ran.returncode, ran.stderr.splitlines()


def test_a_crash_is_one_record_with_its_traceback_and_without_what_it_quotes() -> None:
    code, (line,) = run("--log-format", "json")
    record = json.loads(line)
    assert (code, record["level"], record["message"]) == (1, "CRITICAL", "toy ended by a fault of its own")
    assert record["exception"].endswith("in fail\nKeyError")
    assert "ada" not in line


def test_a_thread_that_dies_is_a_record_too() -> None:
    _, (line,) = run("--log-format", "json", "--log-level", "WARNING")
    record = json.loads(line)
    assert (record["level"], record["message"]) == ("ERROR", "device 0 ended")
    assert record["exception"].endswith("in fail\nKeyError")


def test_a_crash_is_told_to_people_the_same_way() -> None:
    code, lines = run()
    assert (code, lines[-1]) == (1, "KeyError")
    assert "CRITICAL" in lines[0]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_traces_that_are_asked_for_wrongly_exit_2_as_other_settings_do(log_format: str) -> None:
    code, (line,) = run("--log-format", log_format, OTEL_TRACES_EXPORTER="zipkin")
    assert (code, "takes otlp, console or none, got 'zipkin'" in line) == (2, True)


@pytest.mark.parametrize("wrong", [("--prot", "1"), ("--grace-seconds", "long"), ("--port",)])
@pytest.mark.parametrize(
    ("format_flags", "environment"),
    [
        (("--log-format", "json"), {}),
        (("--log-format=json",), {"MODALMESH_TOY_LOG_FORMAT": "text"}),
        ((), {"MODALMESH_TOY_LOG_FORMAT": "json"}),
    ],
    ids=["flag", "flag over environment", "environment"],
)
def test_settings_that_are_refused_are_a_record_each_and_exit_2(
    wrong: tuple[str, ...], format_flags: tuple[str, ...], environment: dict[str, str]
) -> None:
    code, (line,) = run(*format_flags, *wrong, **environment)
    record = json.loads(line)
    assert (code, record["level"], record["logger"]) == (2, "ERROR", "modalmesh-toy")
    assert wrong[0] in record["message"]


def test_settings_that_are_refused_are_lines_to_people() -> None:
    assert run("--prot", "1", MODALMESH_TOY_LOG_FORMAT="text") == (
        2,
        ["modalmesh-toy: --prot: there is no such flag: did you mean --port?"],
    )
