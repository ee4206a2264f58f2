"""`modalmesh up` at a port that another program listens on."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from modalmesh.local.mesh import read_state
from tests.e2e.conftest import modalmesh


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def running_for(home: Path) -> list[str]:
    """The command lines that name this home: of a supervisor, a Valkey, a service with its log."""
    lines = (" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))
    return [line for line in lines if str(home) in line]


@pytest.mark.parametrize("detach", [["--detach"], []], ids=["detached", "foreground"])
def test_it_fails_by_one_line_that_names_the_port_and_leaves_nothing(
    tmp_path: Path, taken: int, detach: list[str]
) -> None:
    refused = modalmesh("up", *detach, "--port", str(taken), "--json", home=tmp_path)
    error = json.loads(refused.stdout)["error"]
    assert (refused.returncode, error["reason"]) == (1, "PORT_TAKEN")
    assert f"can't listen on 127.0.0.1:{taken}: Address already in use" in error["message"]
    assert "`--port 0` takes a free port" in refused.stderr
    assert (running_for(tmp_path), read_state(tmp_path)) == ([], None)


@pytest.mark.parametrize("port", ["70000", "-1", "http"])
def test_what_is_no_port_is_wrong_use(tmp_path: Path, port: str) -> None:
    refused = modalmesh("up", "--detach", "--port", port, "--json", home=tmp_path)
    assert (refused.returncode, json.loads(refused.stdout)["error"]["field"]) == (2, "--port")
    assert port in refused.stderr
