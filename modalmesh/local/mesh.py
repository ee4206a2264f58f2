"""Start, see and stop a mesh on this machine.

Importing this needs no more than the light client has; starting and stopping need `modalmesh[local]`.
"""

import json
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from modalmesh.local.checking import check_settings
from modalmesh.local.failures import (
    ChildFailed,
    MeshFailed,
    MeshRuns,
    PortTaken,
    WrongSettings,
    failure,
    require_installed,
)
from modalmesh.local.state import ChildState, Condition, Home, MeshState, Phase, read_state

__all__ = [
    "ChildFailed",
    "ChildState",
    "Condition",
    "MeshFailed",
    "MeshRuns",
    "MeshState",
    "Phase",
    "PortTaken",
    "WrongSettings",
    "read_state",
    "run_mesh",
    "start_mesh",
    "stop_mesh",
]

_REDIS_URL = "MODALMESH_REDIS_URL"
_REDIS_URL_FILE = "MODALMESH_REDIS_URL_FILE"
# Each child's own limits end a start earlier; this is for a supervisor that hangs.
_START_SECONDS = 960.0
_STOP_SECONDS = 60.0
_FIRST_WRITE_SECONDS = 5.0
_LOCK_SECONDS = 2.0
_PAUSE_SECONDS = 0.02


def start_mesh(
    home: Path,
    port: int = 0,
    redis_url: str | None = None,
    timeout_seconds: float = _START_SECONDS,
    *,
    bundle: Path | None = None,
    ranker: bool = True,
) -> MeshState:
    """Start a mesh that outlives this process; returns when all of it serves.

    `redis_url`: none takes MODALMESH_REDIS_URL, or what MODALMESH_REDIS_URL_FILE holds; an empty one an embedded
    Valkey, whatever the environment says.
    `bundle`: the trained ranker; none takes what the fusion-ranker's settings say. Without a `ranker` it only encodes.

    Raises:
        MeshRuns: one runs in `home` already.
        WrongSettings: a server would refuse the environment's settings; nothing was started.
        PortTaken: the gateway can't listen on `port`; nothing was started.
        ChildFailed: a child can't be started; names it and holds its last log lines. Nothing is left running.
        MeshFailed: anything else, such as a folder that can't be written.
    """
    require_installed()
    check_settings(redis_url)
    place = Home.of(home)
    ranking = ("--bundle", os.path.abspath(bundle)) if bundle else () if ranker else ("--without-ranker",)
    command = (
        *(sys.executable, "-P", "-m", "modalmesh.local.supervisor"),
        *("--home", str(place.path), "--port", str(port), *ranking),
    )
    return start_detached(place, command, _resolved(redis_url), timeout_seconds)


def run_mesh(
    home: Path,
    port: int = 0,
    redis_url: str | None = None,
    serving: Callable[[MeshState], None] = lambda _: None,
    *,
    bundle: Path | None = None,
) -> None:
    """Run a mesh in this process's main thread until SIGINT, SIGTERM, SIGHUP or `stop_mesh`; then all of it has ended.

    `serving` is called once, when all of it serves. `redis_url` and `bundle` as for `start_mesh`.

    Raises:
        MeshFailed: as `start_mesh`.
    """
    require_installed()
    from modalmesh.local.children import Ranking
    from modalmesh.local.supervisor import supervise

    check_settings(redis_url)
    ranking = Ranking(Path(os.path.abspath(bundle)) if bundle else None)
    supervise(Home.of(home), port, _resolved(redis_url), ranking, serving)


def stop_mesh(home: Path, timeout_seconds: float = _STOP_SECONDS) -> bool:
    """End the mesh of `home`, and whatever a supervisor that was killed has left; whether there was anything to end.

    Calls under way are finished first. After the timeout all is killed.

    Raises:
        MeshFailed: something can't be ended.
    """
    place = Home.of(home)
    if not place.lock_file.exists():
        return False
    require_installed()
    from modalmesh.local.processes import end_all, find
    from modalmesh.local.supervisor import ORPHAN_GRACE_SECONDS, end_orphans

    was_running = place.is_locked()
    if was_running and (state := _first_state(place)):
        supervisor = find(state.supervisor_pid, state.supervisor_created)
        end_all([supervisor] if supervisor else [], timeout_seconds)
    with place.lock(_LOCK_SECONDS):
        return bool(end_orphans(place, min(ORPHAN_GRACE_SECONDS, timeout_seconds))) or was_running


def start_detached(home: Home, command: Sequence[str], redis_url: str, timeout_seconds: float) -> MeshState:
    """Start a supervisor by `command` in a session of its own, and wait for the line by which it says that all serves.

    Raises:
        MeshFailed: as `start_mesh`.
    """
    home.create()
    with (home.logs / "supervisor.log").open("ab") as log:
        supervisor = subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, _REDIS_URL: redis_url},
            start_new_session=True,
        )
    try:
        line = _line(supervisor, timeout_seconds)
        return _told(home, line)
    except BaseException:
        # Also on Ctrl-C: nobody would know of a mesh that is still starting.
        _end(supervisor)
        raise
    finally:
        if supervisor.stdout:
            supervisor.stdout.close()
        # A caller that lives on must reap it when it ends, or it stays as a zombie.
        threading.Thread(target=supervisor.wait, name="reap-supervisor", daemon=True).start()


def _line(supervisor: "subprocess.Popen[bytes]", timeout_seconds: float) -> bytes:
    """What the supervisor says within the time; empty if it ended without a word."""
    assert supervisor.stdout is not None, "piped"  # noqa: S101 - for the type checker
    with selectors.DefaultSelector() as selector:
        selector.register(supervisor.stdout, selectors.EVENT_READ)
        if not selector.select(timeout_seconds):
            raise MeshFailed(f"the mesh did not serve within {timeout_seconds:.0f} s")
    return supervisor.stdout.readline()


def _told(home: Home, line: bytes) -> MeshState:
    if not line:
        raise MeshFailed(f"the supervisor ended without a word: see {home.logs / 'supervisor.log'}")
    document = json.loads(line)
    if error := document.get("error"):
        raise failure(error["reason"], error["message"])
    return MeshState.from_json(document["state"])


def _end(supervisor: "subprocess.Popen[bytes]") -> None:
    supervisor.terminate()
    try:
        supervisor.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        supervisor.kill()


def _first_state(place: Home) -> MeshState | None:
    """The state; a supervisor that has only begun hasn't written it yet."""
    end = time.monotonic() + _FIRST_WRITE_SECONDS
    while (state := read_state(place.path)) is None and place.is_locked() and time.monotonic() < end:
        time.sleep(_PAUSE_SECONDS)
    return state


def _resolved(redis_url: str | None) -> str:
    if redis_url is not None:
        return redis_url
    if file := os.environ.get(_REDIS_URL_FILE):
        return Path(file).read_text(encoding="utf-8").strip()
    return os.environ.get(_REDIS_URL, "")
