"""A detached mesh of stand-ins: start, kill, stop, and what is left."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modalmesh.local.mesh import ChildFailed, MeshFailed, MeshRuns, read_state, start_detached, stop_mesh
from modalmesh.local.processes import free_ports, lives, refusal
from modalmesh.local.state import Home, Phase
from tests.unit.local.conftest import (
    ROOT,
    STANDIN_MESH,
    StartStandins,
    process_of,
    state_of,
    wait_for_restart,
)
from tests.waiting import eventually


def children(*flags: list[str], **more: Any) -> list[dict[str, Any]]:
    """As many stand-ins as `flags`, named a, b, c ..."""
    ports = free_ports(len(flags))
    return [{"name": "abcdef"[n], "port": ports[n], "flags": flags[n], **more} for n in range(len(flags))]


def test_it_returns_when_all_serve(home: Home, start: StartStandins) -> None:
    state = start(*children([], []))
    assert (state.phase, [child.state for child in state.children]) == (Phase.SERVING, ["serving"] * 2)
    assert state_of(home) == state


def test_the_supervisor_has_a_session_of_its_own(start: StartStandins) -> None:
    state = start(*children([]))
    assert os.getsid(state.supervisor_pid) == state.supervisor_pid != os.getsid(0)


def test_stop_leaves_no_process_and_no_state(home: Home, start: StartStandins) -> None:
    state = start(*children([], []))
    processes = [process_of(child) for child in state.children]
    assert stop_mesh(home.path)
    assert not any(lives(process) for process in processes)
    assert (read_state(home.path), home.state_file.exists()) == (None, False)


def test_stopping_where_nothing_runs_is_said(home: Home, tmp_path: Path) -> None:
    assert not stop_mesh(home.path)
    assert not stop_mesh(tmp_path / "nowhere")


def test_ranks_start_in_order_and_stop_in_theirs(home: Home, start: StartStandins, tmp_path: Path) -> None:
    note = tmp_path / "note"
    first, second = children(["--note", str(note)], ["--note", str(note)])
    state = start({**first, "start_rank": 1, "stop_rank": 0}, {**second, "start_rank": 0, "stop_rank": 1})
    assert state.child("a").since > state.child("b").since
    stop_mesh(home.path)
    assert note.read_text() == f"{first['port']}\n{second['port']}\n"


def test_a_child_that_can_not_start_is_named_and_nothing_is_left(home: Home, start: StartStandins) -> None:
    good, bad = children([], ["--exit", "1"])
    with pytest.raises(ChildFailed, match=r"^b ended with exit code 1; (.|\n)*the model is broken$"):
        start({**good, "start_rank": 0}, {**bad, "start_rank": 1})
    assert read_state(home.path) is None
    assert refusal(good["port"]) == ""


def test_a_killed_child_is_back_and_the_state_says_so(home: Home, start: StartStandins) -> None:
    before = start(*children([], []))
    process_of(before.child("a")).kill()
    after = wait_for_restart(home, "a")
    assert (after.last_exit, after.address) == ("was killed by SIGKILL", before.child("a").address)
    assert state_of(home).child("b") == before.child("b")


def test_a_second_mesh_in_one_home_is_refused_and_the_first_runs_on(home: Home, start: StartStandins) -> None:
    state = start(*children([]))
    with pytest.raises(MeshRuns, match=f"already at {state.address}, supervisor {state.supervisor_pid}"):
        start(*children([]))
    assert state_of(home) == state


def test_two_homes_hold_two_meshes(home: Home, start: StartStandins, tmp_path: Path) -> None:
    other = Home.of(tmp_path / "other")
    first, second = start(*children([])), start(*children([]), at=other)
    try:
        stop_mesh(home.path)
        assert (read_state(home.path), state_of(other)) == (None, second)
        assert first.supervisor_pid != second.supervisor_pid
    finally:
        stop_mesh(other.path)


def test_children_end_with_a_supervisor_that_is_killed(home: Home, start: StartStandins) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a child of its parent's death")
    state = start(*children([], []))
    processes = [process_of(child) for child in state.children]
    os.kill(state.supervisor_pid, signal.SIGKILL)
    eventually(lambda: not any(lives(process) for process in processes))
    assert read_state(home.path) is None


@pytest.mark.parametrize("again", [False, True], ids=["at the next stop", "at the next start"])
def test_orphans_are_ended(home: Home, start: StartStandins, again: bool) -> None:
    state = start(*children(["--ignore-term"]))
    orphan = process_of(state.child("a"))
    os.kill(state.supervisor_pid, signal.SIGKILL)
    eventually(lambda: not home.is_locked())
    assert lives(orphan)
    if again:
        assert start(*children([])).child("a").pid != orphan.pid
    else:
        assert stop_mesh(home.path, timeout_seconds=0.2)
    assert not lives(orphan)


def test_a_process_that_has_an_orphans_pid_by_now_is_left_alone(home: Home, start: StartStandins) -> None:
    state = start(*children(["--ignore-term"]))
    bystander = process_of(state.child("a"))
    os.kill(state.supervisor_pid, signal.SIGKILL)
    eventually(lambda: not home.is_locked())
    document = json.loads(home.state_file.read_text())
    document["children"][0]["created"] -= 1000
    home.state_file.write_text(json.dumps(document))
    assert not stop_mesh(home.path)
    assert lives(bystander)
    bystander.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_all(home: Home, start: StartStandins, number: signal.Signals) -> None:
    state = start(*children([], []))
    processes = [process_of(child) for child in state.children]
    os.kill(state.supervisor_pid, number)
    eventually(lambda: not home.is_locked())
    assert not any(lives(process) for process in processes)


def test_a_signal_during_the_start_ends_it(home: Home, tmp_path: Path) -> None:
    (child,) = children(["--never-ready"])
    command = (sys.executable, str(STANDIN_MESH), str(home.path), json.dumps([child]))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as supervisor:
        eventually(lambda: (state := read_state(home.path)) and state.children[0].pid)
        process = process_of(state_of(home).child("a"))
        supervisor.terminate()
        assert supervisor.wait(10) == 0
    assert not lives(process)


def test_a_start_that_takes_too_long_is_ended(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    command = (sys.executable, str(STANDIN_MESH), str(home.path), json.dumps(children(["--never-ready"])))
    with pytest.raises(MeshFailed, match="did not serve within 1 s"):
        start_detached(home, command, "", timeout_seconds=1.0)
    eventually(lambda: not home.is_locked())
    assert not home.state_file.exists()


def test_a_supervisor_that_ends_without_a_word_points_to_its_log(home: Home) -> None:
    with pytest.raises(MeshFailed, match=r"ended without a word: see .*supervisor.log"):
        start_detached(home, (sys.executable, "-c", "import sys; sys.exit('odd')"), "", timeout_seconds=10)
    assert (home.logs / "supervisor.log").read_text() == "odd\n"


def test_a_mesh_whose_starter_is_gone_ends(home: Home) -> None:
    command = (sys.executable, str(STANDIN_MESH), str(home.path), json.dumps(children([])))
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=writer, stderr=subprocess.PIPE, text=True) as supervisor:
        os.close(writer)
        _, log = supervisor.communicate(timeout=20)
    assert "whoever started the mesh is gone" in log
    assert read_state(home.path) is None


def test_a_signal_that_the_starter_has_had_ignored_does_not_end_it(home: Home) -> None:
    command = ("nohup", sys.executable, str(STANDIN_MESH), str(home.path), json.dumps(children([])))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as supervisor:
        assert supervisor.stdout is not None
        assert b"serving" in supervisor.stdout.readline()
        supervisor.send_signal(signal.SIGHUP)
        process_of(state_of(home).child("a")).kill()
        wait_for_restart(home, "a")
        supervisor.terminate()
        assert supervisor.wait(10) == 0
