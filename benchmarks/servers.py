"""A server that is measured: started, paused while others are, ended with all of its processes."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from benchmarks.environment import TUNED
from modalmesh.errors import ModalmeshError

_START_SECONDS = 180.0
_PAUSE_SECONDS = 0.2
_END_SECONDS = 5.0
_TAIL_LINES = 8


class CannotStart(ModalmeshError):
    """A server didn't answer; the message ends with the last that it said."""

    reason = "CANNOT_START"


class ServerProcess:
    """Ready when it `answers`."""

    def __init__(
        self, command: Sequence[str | Path], answers: Callable[[], bool], variables: Mapping[str, str] | None = None
    ) -> None:
        """Raises:
        CannotStart: it ended, or its time ran out.
        """
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed at exit, with the process that writes it
        self._process = subprocess.Popen(
            command,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **TUNED, **(variables or {})},
            start_new_session=True,
        )
        try:
            if not self._wait(answers):
                raise CannotStart(self._tail())
        except BaseException:
            # Whoever is told to end meanwhile leaves nothing behind.
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pids(self) -> dict[str, int]:
        return {f"server {process.pid}": process.pid for process in self._tree()}

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Run meanwhile. Some servers poll, which would disturb the others' measurements."""
        self.signal(signal.SIGCONT)
        try:
            yield
        finally:
            self.signal(signal.SIGSTOP)

    def signal(self, number: signal.Signals) -> None:
        for process in self._tree():
            process.send_signal(number)

    def close(self) -> None:
        tree = self._tree()
        self.signal(signal.SIGCONT)
        if tree:
            self._process.terminate()
        _, alive = psutil.wait_procs(tree, _END_SECONDS)
        for process in alive:
            process.kill()
        self._process.wait()
        self._log.close()

    def _wait(self, answers: Callable[[], bool]) -> bool:
        """Whether it answers before its time is over and while it lives."""
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            if answers():
                return True
            if self._process.poll() is not None:
                return False
            time.sleep(_PAUSE_SECONDS)
        return False

    def _tree(self) -> list[psutil.Process]:
        try:
            root = psutil.Process(self._process.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _tail(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return " / ".join(line.strip() for line in lines[-_TAIL_LINES:]) or "it said nothing and didn't answer"
