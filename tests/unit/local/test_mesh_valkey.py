"""The embedded Valkey, run as it is in a mesh."""

import asyncio
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from modalmesh.local import valkey
from modalmesh.local.processes import HOST, free_ports
from modalmesh.local.readiness import RedisPing
from tests.waiting import eventually


@contextmanager
def running(folder: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    configuration = valkey.write_configuration(folder, HOST, port)
    with subprocess.Popen([valkey.binary(), configuration], stdout=subprocess.PIPE) as server:
        try:
            eventually(lambda: asyncio.run(RedisPing(HOST, port).ready(1.0)))
            yield server
        finally:
            server.send_signal(signal.SIGKILL)
            server.communicate()


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.mark.parametrize("name", ["plain", "with space", 'quote"and\\slash', "äöü 火", "new\nline", "#hash$"])
def test_it_keeps_its_data_in_the_folder_whatever_its_name(tmp_path: Path, port: int, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    with running(folder, port), redis.Redis(HOST, port) as client:
        client.set("key", "value")
    assert (folder / "appendonlydir").is_dir()


def test_what_was_acknowledged_is_there_after_a_kill(tmp_path: Path, port: int) -> None:
    with running(tmp_path, port), redis.Redis(HOST, port) as client:
        for number in range(100):
            client.rpush("list", number)
    with running(tmp_path, port), redis.Redis(HOST, port) as client:
        assert client.llen("list") == 100


def test_writes_are_synced_nothing_is_evicted_and_only_this_machine_may_ask(tmp_path: Path, port: int) -> None:
    wanted = {
        "appendonly": "yes",
        "appendfsync": "always",
        "maxmemory-policy": "noeviction",
        "save": "",
        "bind": HOST,
        "protected-mode": "yes",
    }
    with running(tmp_path, port), redis.Redis(HOST, port, decode_responses=True) as client:
        assert client.config_get(*wanted) == wanted


def test_sigterm_ends_it_at_once(tmp_path: Path, port: int) -> None:
    with running(tmp_path, port) as server:
        server.terminate()
        assert server.wait(5) == 0
