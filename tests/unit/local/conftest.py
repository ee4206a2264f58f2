import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from modalmesh.local.mesh import start_detached, stop_mesh
from modalmesh.local.processes import find
from modalmesh.local.state import ChildState, Home, MeshState, read_state
from tests.waiting import eventually

STANDIN_MESH = Path(__file__).with_name("standin_mesh.py")
ROOT = Path(__file__).parents[3]

StartStandins = Callable[..., MeshState]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    place = Home.of(tmp_path / "home")
    place.create()
    return place


@pytest.fixture
def start(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartStandins]:
    """Start a detached mesh of stand-ins; each child is `{"name", "port", "flags", ...}`."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def start_standins(*children: dict[str, Any], at: Home = home) -> MeshState:
        command = (sys.executable, str(STANDIN_MESH), str(at.path), json.dumps(children))
        return start_detached(at, command, "", timeout_seconds=20)

    yield start_standins
    stop_mesh(home.path, timeout_seconds=5)


def state_of(home: Home) -> MeshState:
    state = read_state(home.path)
    assert state is not None, "the mesh should run"
    return state


def process_of(child: ChildState) -> psutil.Process:
    process = find(child.pid, child.created)
    assert process is not None, f"{child.name} should run"
    return process


def wait_for_restart(home: Home, name: str, restarts: int = 1) -> ChildState:
    """The child once it serves again."""
    eventually(lambda: (state_of(home).child(name).restarts, state_of(home).child(name).state) == (restarts, "serving"))
    return state_of(home).child(name)
