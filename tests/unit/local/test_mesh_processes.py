"""Processes by pid and creation time, and ports."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from modalmesh.local import processes
from modalmesh.local.failures import PortTaken
from tests.waiting import eventually

STUBBORN = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
MEEK = "import time; print('up', flush=True); time.sleep(60)"


def spawn(code: str) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    return process


@pytest.fixture
def meek() -> Iterator["subprocess.Popen[bytes]"]:
    with spawn(MEEK) as process:
        yield process
        process.kill()


def test_a_process_is_found_by_pid_and_creation(meek: "subprocess.Popen[bytes]") -> None:
    found = processes.find(meek.pid, processes.created(meek.pid))
    assert found is not None
    assert found.pid == meek.pid


def test_a_pid_that_is_another_processs_by_now_is_not_found(meek: "subprocess.Popen[bytes]") -> None:
    assert processes.find(meek.pid, processes.created(meek.pid) - 60) is None


def test_what_was_never_started_is_not_found() -> None:
    assert processes.find(None, None) is None
    assert processes.find(os.getpid(), None) is None


def test_a_process_that_ended_but_was_not_reaped_counts_as_gone(meek: "subprocess.Popen[bytes]") -> None:
    created = processes.created(meek.pid)
    meek.kill()
    eventually(lambda: psutil.Process(meek.pid).status() == psutil.STATUS_ZOMBIE)
    assert processes.find(meek.pid, created) is None


def test_sigterm_ends_a_process_that_listens(meek: "subprocess.Popen[bytes]") -> None:
    assert processes.end_all([psutil.Process(meek.pid)], grace_seconds=5) == []
    assert meek.wait(5) == -signal.SIGTERM


def test_one_that_ignores_sigterm_is_killed_after_the_grace() -> None:
    with spawn(STUBBORN) as stubborn:
        assert processes.end_all([psutil.Process(stubborn.pid)], grace_seconds=0.1) == []
        assert stubborn.wait(5) == -signal.SIGKILL


def test_ending_nothing_or_what_is_gone_already_is_no_error(meek: "subprocess.Popen[bytes]") -> None:
    process = psutil.Process(meek.pid)
    meek.kill()
    meek.wait(5)
    assert processes.end_all([process], grace_seconds=5) == []
    assert processes.end_all([], grace_seconds=5) == []


def test_a_taken_port_is_refused_by_its_number() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"can't listen on 127\.0\.0\.1:{port}: Address already in use"):
            processes.chosen_port(port)


def test_a_free_port_is_taken_as_it_was_chosen_also_right_after_its_last_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address), server.accept()[0]:
            pass
    assert processes.chosen_port(address[1]) == address[1]


def test_free_ports_differ_and_lie_where_no_connection_gets_its_own() -> None:
    ports = processes.free_ports(20)
    assert len(set(ports)) == 20
    assert all(15_000 <= port < 32_000 for port in ports)
    limits = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if limits.exists():
        assert max(ports) < int(limits.read_text().split()[0])


def test_free_ports_leave_out_the_gateways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_PORTS", range(20_000, 20_003))
    monkeypatch.setattr(processes, "_PORT_TRIES", 3)
    assert 20_001 not in processes.free_ports(2, besides=20_001)
    with pytest.raises(PortTaken, match="no 3 free ports"):
        processes.free_ports(3, besides=20_001)
