"""One child: started, watched until it is ready and while it serves, started again with back-off, stopped."""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import psutil

from modalmesh.local.children import ChildSpec
from modalmesh.local.failures import ChildFailed
from modalmesh.local.processes import created
from modalmesh.local.state import ChildState, Condition, Home, moved

logger = logging.getLogger(__name__)

_LAUNCHER = Path(__file__).with_name("launch.py")
_WRONG_SETTINGS = 2
_MOST_LOG_BYTES = 10_000_000
_TAIL_BYTES = 8_192
_TAIL_LINES = 12


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds, and how often a health check may go unanswered.

    A child's first restart waits `first_backoff`, each further one twice as long, at most `most_backoff`; one that
    has served for `steady` begins anew. `grace` is longer than the servers' own, so that they end by themselves.
    """

    look: float = 0.1
    look_limit: float = 1.0
    check: float = 2.0
    check_limit: float = 5.0
    missed_checks: int = 12
    first_backoff: float = 0.1
    most_backoff: float = 30.0
    steady: float = 30.0
    grace: float = 12.0
    kill: float = 5.0


class Child:
    """`changed` is called after every change of `state`."""

    def __init__(self, spec: ChildSpec, home: Home, timing: Timing, changed: Callable[[], None]) -> None:
        self.spec = spec
        self.state = ChildState(spec.name, spec.address, str(home.logs / f"{spec.name}.log"))
        self._timing = timing
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._served_at: float | None = None
        self._log_start = 0
        self._killed_because = ""

    async def start(self) -> None:
        """Start it and wait until it serves.

        Raises:
            ChildFailed: it can't be started, ended, or wasn't ready in time; holds its last log lines.
        """
        try:
            await self._spawn()
        except OSError as error:
            raise ChildFailed(f"{self.spec.name} can't be started: {error}") from error
        how = await self._end_unless(self._until_ready())
        if how is not None:
            self._ended(Condition.FAILED, how)
            raise ChildFailed(f"{self.spec.name} {how}{self._last_lines()}")

    async def keep(self) -> None:
        """Once started: watch it, and start it again whenever it ends, until its settings turn out to be wrong."""
        failures = 0
        how = await self._end_unless(self._watch())
        while self._process is None or self._process.returncode != _WRONG_SETTINGS:
            if self._has_served_well():
                failures = 0
            wait = min(self._timing.first_backoff * 2**failures, self._timing.most_backoff)
            failures += 1
            logger.warning("%s %s: started again in %.1f s", self.spec.name, how, wait)
            self._ended(Condition.BACKING_OFF, how)
            await asyncio.sleep(wait)
            how = await self._run_again()
        logger.error("%s %s: not started again%s", self.spec.name, how, self._last_lines())
        self._ended(Condition.FAILED, how)

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL after the grace. Nobody may be in `keep` any more."""
        if self._process is not None and self._process.returncode is None:
            self._send(signal.SIGTERM)
            how = await self._wait_at_most(self._timing.grace)
            if how is None:
                logger.warning("%s did not stop within %.0f s: killed", self.spec.name, self._timing.grace)
                self._send(signal.SIGKILL)
                how = await self._wait_at_most(self._timing.kill)
            self._ended(Condition.STOPPED, how)

    async def _run_again(self) -> str | None:
        """Start it once more; how that run ended."""
        try:
            await self._spawn(restarts=self.state.restarts + 1)
        except OSError as error:
            return f"can't be started: {error}"
        return await self._end_unless(self._watch())

    async def _spawn(self, restarts: int = 0) -> None:
        self._process, self._served_at, self._killed_because = None, None, ""
        with _open_log(Path(self.state.log)) as output:
            self._log_start = output.tell()
            self._process = await asyncio.create_subprocess_exec(
                # Isolated and without site: only this one small file is wanted.
                *(sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), *self.spec.command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **self.spec.environment},
                # Ctrl-C in a terminal goes to the supervisor alone, which then stops them in order.
                start_new_session=True,
            )
        pid = self._process.pid
        self._set(Condition.STARTING, pid=pid, created=_created_or_none(pid), restarts=restarts)

    async def _until_ready(self) -> bool:
        """Whether it came to serve within the time that a start may take; if not, it is killed."""
        end = time.monotonic() + self.spec.start_seconds
        while time.monotonic() < end:
            if await self.spec.readiness.ready(self._timing.look_limit):
                self._served_at = time.monotonic()
                self._set(Condition.SERVING)
                return True
            await asyncio.sleep(self._timing.look)
        self._kill(f"was not ready after {self.spec.start_seconds:.0f} s")
        return False

    async def _watch(self) -> bool:
        """Always False: it is killed if it isn't ready in time, or if it lives but has long not answered."""
        if self._served_at is None and not await self._until_ready():
            return False
        # Counted, not timed: a machine that slept has lost minutes, but no answers.
        missed = 0
        while missed < self._timing.missed_checks:
            await asyncio.sleep(self._timing.check)
            missed = 0 if await self.spec.readiness.ready(self._timing.check_limit) else missed + 1
        self._kill(f"did not answer {missed} health checks")
        return False

    async def _end_unless(self, watching: Coroutine[None, None, bool]) -> str | None:
        """How it ended, as a part of a sentence; none if `watching` came to a good end before."""
        watch = asyncio.create_task(watching)
        end = asyncio.create_task(self._wait())
        try:
            await asyncio.wait((watch, end), return_when=asyncio.FIRST_COMPLETED)
            if watch.done() and watch.result():
                return None
            return await end
        finally:
            watch.cancel()
            end.cancel()

    async def _wait(self) -> str:
        if self._process is None:
            return "was not started"
        code = await self._process.wait()
        return self._killed_because or _how(code)

    async def _wait_at_most(self, seconds: float) -> str | None:
        try:
            async with asyncio.timeout(seconds):
                return await self._wait()
        except TimeoutError:
            return None

    def _has_served_well(self) -> bool:
        return self._served_at is not None and time.monotonic() - self._served_at >= self._timing.steady

    def _kill(self, why: str) -> None:
        self._killed_because = why
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        # Only while it hasn't been waited for: until then its pid can't be another's.
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    def _last_lines(self) -> str:
        """The last lines of this run's log, to be put behind a sentence."""
        try:
            with Path(self.state.log).open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(self._log_start, size - _TAIL_BYTES))
                lines = log.read().decode(errors="replace").strip().splitlines()
        except OSError as error:
            return f" (its log {self.state.log} can't be read: {error.strerror})"
        if not lines:
            return f"; it logged nothing ({self.state.log})"
        return "\n".join([f"; the end of {self.state.log}:", *lines[-_TAIL_LINES:]])

    def _ended(self, condition: Condition, how: str | None) -> None:
        self._set(condition, pid=None, created=None, last_exit=how)

    def _set(self, condition: Condition, **changes: object) -> None:
        self.state = moved(self.state, condition, **changes)
        self._changed()


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def _open_log(path: Path) -> BinaryIO:
    """Open it to append; a log that has become large makes room and is kept as .log.1."""
    if path.exists() and path.stat().st_size > _MOST_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def _created_or_none(pid: int) -> float | None:
    try:
        return created(pid)
    except psutil.NoSuchProcess:
        # It has ended at once; `_wait` says how.
        return None
