"""A real mesh comes up, is seen, and goes down without a trace."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from modalmesh.client import Client
from modalmesh.local.mesh import MeshRuns, MeshState, read_state, start_mesh, stop_mesh
from modalmesh.local.processes import find, free_ports, lives
from tests.e2e.conftest import environment_of, modalmesh

SERVICES = ["redis", "text-encoder", "image-encoder", "fusion-ranker", "gateway"]
# A few seconds; this is for a machine that is busy with other things.
START_SECONDS = 30.0


def processes_of(state: MeshState) -> list[psutil.Process]:
    """The supervisor and all children."""
    known = [
        (state.supervisor_pid, state.supervisor_created),
        *((child.pid, child.created) for child in state.children),
    ]
    found = [find(pid, created) for pid, created in known]
    assert None not in found
    return [process for process in found if process is not None]


def test_all_serve_when_the_start_returns(filled_mesh: MeshState) -> None:
    assert [(child.name, child.state) for child in filled_mesh.children] == [(name, "serving") for name in SERVICES]
    with Client(filled_mesh.address) as client:
        status = client.status()
    assert all(service.serving for service in status.services)
    assert (status.store.reachable, status.store.durable) == (True, True)


def test_the_first_items_are_encoded_and_none_is_left_pending(filled_mesh: MeshState) -> None:
    with Client(filled_mesh.address) as client:
        status = client.status()
    assert (status.cache.encoded_texts, status.cache.encoded_images) == (20, 5)
    assert [(space.items, space.pending) for space in status.namespaces] == [(20, 0)]


def test_status_tells_of_every_child(filled_mesh: MeshState) -> None:
    shown = modalmesh("status", "--json", home=filled_mesh.home)
    assert shown.returncode == 0, shown.stderr
    children = json.loads(shown.stdout)["mesh"]["children"]
    assert [(child["name"], child["state"], child["restarts"]) for child in children] == [
        (name, "serving", 0) for name in SERVICES
    ]


def test_it_recommends_with_nothing_lacking(filled_mesh: MeshState) -> None:
    with Client(filled_mesh.address) as client:
        answer = client.recommend("ada", k=3)
    assert len(answer.items) == 3
    assert answer.served.lacked == ()


def test_a_second_mesh_in_its_home_is_refused(filled_mesh: MeshState) -> None:
    with pytest.raises(MeshRuns, match=filled_mesh.address):
        start_mesh(filled_mesh.home)
    assert all(lives(process) for process in processes_of(filled_mesh))


def test_a_port_that_is_taken_is_an_error_before_anything_starts(filled_mesh: MeshState, tmp_path: Path) -> None:
    port = filled_mesh.address.rpartition(":")[2]
    refused = modalmesh("up", "--detach", "--port", port, home=tmp_path / "other")
    assert refused.returncode == 1
    assert f"can't listen on 127.0.0.1:{port}: Address already in use" in refused.stderr
    assert list((tmp_path / "other" / "logs").glob("*-encoder.log")) == []


def test_settings_that_are_wrong_are_shown_in_the_servers_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODALMESH_TEXT_ENCODER_DEVICE", "abacus:0")
    refused = modalmesh("up", "--detach", "--port", "0", home=tmp_path / "home")
    assert refused.returncode == 2
    assert "modalmesh-text-encoder: --device (MODALMESH_TEXT_ENCODER_DEVICE)" in refused.stderr
    assert "abacus:0" in refused.stderr
    assert read_state(tmp_path / "home") is None


def test_a_mesh_in_the_foreground_lives_beside_another_and_ends_with_ctrl_c(
    filled_mesh: MeshState, tmp_path: Path
) -> None:
    command = (sys.executable, "-m", "modalmesh", "up", "--json", "--port", str(free_ports(1)[0]))
    with subprocess.Popen(
        command, env=environment_of(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as second:
        assert second.stdout is not None
        assert json.loads(second.stdout.readline())["address"].endswith(command[-1])
        state = read_state(tmp_path)
        assert state is not None
        processes = processes_of(state)
        second.send_signal(signal.SIGINT)
        second.communicate(timeout=30)
    assert second.returncode == 0
    assert not any(lives(process) for process in processes)
    assert all(lives(process) for process in processes_of(filled_mesh))


def test_down_leaves_no_process_and_up_again_has_everything(filled_mesh: MeshState) -> None:
    processes = processes_of(filled_mesh)
    downed = modalmesh("down", "--json", home=filled_mesh.home)
    assert (downed.returncode, json.loads(downed.stdout)["stopped"]) == (0, True)
    assert not any(lives(process) for process in processes)
    begun = time.monotonic()
    again = start_mesh(filled_mesh.home, redis_url="")
    seconds = time.monotonic() - begun
    try:
        with Client(again.address) as client:
            assert len(list(client.list_items())) == 20
            assert len(client.get_history("ada").events) == 3
    finally:
        stop_mesh(filled_mesh.home)
    assert seconds < START_SECONDS
