"""Whose mesh work gets, and what becomes of it."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modalmesh.local import borrowing
from modalmesh.local.borrowing import borrowed_mesh
from modalmesh.local.mesh import MeshRuns
from modalmesh.local.state import Home, MeshState
from tests.unit.client.scripted_gateway import ScriptedGateway

NOBODYS = "127.0.0.1:1"


@pytest.fixture
def gateway() -> Iterator[ScriptedGateway]:
    running = ScriptedGateway()
    yield running
    running.stop()


@pytest.fixture
def deeds(monkeypatch: pytest.MonkeyPatch, gateway: ScriptedGateway) -> list[Any]:
    """What was started and stopped; a mesh that is started answers as the scripted gateway."""
    done: list[Any] = []

    def start(home: Path, **options: Any) -> MeshState:
        done.append(("start", home, options))
        return MeshState(gateway.address, home, "", os.getpid(), 0.0, time.time())

    monkeypatch.setattr(borrowing, "start_mesh", start)
    monkeypatch.setattr(borrowing, "stop_mesh", lambda home: done.append(("stop", home)))
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "items.jsonl").write_text(json.dumps({"item_id": "lamp", "title": "Lamp"}) + "\n")
    (tmp_path / "data" / "interactions.csv").write_text("user_id,item_id,timestamp,rating\nada,lamp,1,5\n")
    return tmp_path / "data"


def quiet(file: str, settled: int, total: int) -> None:
    """Nobody watches."""


def test_without_a_mesh_one_that_only_encodes_is_started_filled_and_stopped(
    tmp_path: Path, folder: Path, gateway: ScriptedGateway, deeds: list[Any]
) -> None:
    home = tmp_path / "home"
    with borrowed_mesh(folder, home, "films", quiet) as address:
        assert address == gateway.address
        assert (list(gateway.items), len(gateway.event_ids)) == (["lamp"], 1)
        assert {request.namespace for request in gateway.requests("UpsertItems")} == {"films"}
        assert deeds == [("start", home, {"ranker": False})]
    assert deeds[1:] == [("stop", home)]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_it_is_stopped_whatever_becomes_of_the_work(
    tmp_path: Path, folder: Path, deeds: list[Any], error: type[BaseException]
) -> None:
    with pytest.raises(error), borrowed_mesh(folder, tmp_path / "home", "films", quiet):
        raise error
    assert deeds[-1] == ("stop", tmp_path / "home")


def test_one_that_another_starts_at_the_same_time_is_left_alone(
    tmp_path: Path, folder: Path, deeds: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Home.of(tmp_path / "home")

    def too_late(home: Path, **_: Any) -> MeshState:
        raise place.runs()

    monkeypatch.setattr(borrowing, "start_mesh", too_late)
    with pytest.raises(MeshRuns), borrowed_mesh(folder, place.path, "films", quiet):
        pytest.fail("there is no mesh to work with")
    assert deeds == []


def test_a_mesh_that_runs_is_used_as_it_is(tmp_path: Path, folder: Path, home: Home, deeds: list[Any]) -> None:
    with home.lock():
        state = MeshState(NOBODYS, home.path, "", os.getpid(), 0.0, time.time())
        home.save(state)
        with borrowed_mesh(folder, home.path, "films", quiet) as address:
            assert address == NOBODYS
        with borrowed_mesh(folder, home.path, "films", quiet, "elsewhere:50050") as address:
            assert address == "elsewhere:50050"
    assert deeds == []
