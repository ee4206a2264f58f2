"""What is known of the mesh of a home: home/mesh.json, and the lock that says whether its supervisor lives.

The kernel frees the lock when its holder ends, however it ends; so a mesh.json without a held lock is stale. Needs
nothing but the standard library: the light client reads it to find the gateway.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from modalmesh.local.failures import MeshFailed, MeshRuns

_LOCK_PAUSE_SECONDS = 0.02


class Phase(StrEnum):
    STARTING = "starting"
    SERVING = "serving"
    STOPPING = "stopping"


class Condition(StrEnum):
    """Where a child stands. FAILED: its settings are wrong, so it isn't started again."""

    WAITING = "waiting"
    STARTING = "starting"
    SERVING = "serving"
    BACKING_OFF = "backing-off"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ChildState:
    """`created` is the process's creation time (Unix seconds): with it a reused pid is told from ours.

    `since` is when it came into this state, `last_exit` how it ended last, such as `killed by SIGKILL`.
    """

    name: str
    address: str
    log: str
    state: Condition = Condition.WAITING
    pid: int | None = None
    created: float | None = None
    restarts: int = 0
    last_exit: str | None = None
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class MeshState:
    """`address` is the gateway's; a password in `redis_url` is not shown. Times are Unix seconds."""

    address: str
    home: Path
    redis_url: str
    supervisor_pid: int
    supervisor_created: float
    started: float
    phase: Phase = Phase.STARTING
    children: tuple[ChildState, ...] = ()

    def child(self, name: str) -> ChildState:
        """Raises:
        KeyError: no child has this name.
        """
        for child in self.children:
            if child.name == name:
                return child
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "home": str(self.home)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Raises:
        KeyError, TypeError, ValueError: it isn't what `to_json` wrote.
        """
        children = tuple(ChildState(**{**child, "state": Condition(child["state"])}) for child in document["children"])
        return cls(
            **{**document, "home": Path(document["home"]), "phase": Phase(document["phase"]), "children": children}
        )


@dataclass(frozen=True, slots=True)
class Home:
    """A mesh's folder and what lies where in it."""

    path: Path

    @property
    def state_file(self) -> Path:
        return self.path / "mesh.json"

    @property
    def lock_file(self) -> Path:
        return self.path / "mesh.lock"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def valkey(self) -> Path:
        return self.path / "valkey"

    @classmethod
    def of(cls, path: Path) -> Self:
        """The home at `path`, made absolute, so that every process means the same folder."""
        return cls(Path(os.path.abspath(path.expanduser())))

    def create(self) -> None:
        """For this user alone: records of people's tastes lie here.

        Raises:
            MeshFailed: the folder can't be made.
        """
        try:
            for folder in (self.path, self.logs, self.valkey):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise MeshFailed(f"can't make the folder {self.path}: {error.strerror}") from error

    def load(self) -> MeshState | None:
        """The last state that was written, stale or not; none where there is none or where it can't be read."""
        try:
            return MeshState.from_json(json.loads(self.state_file.read_text()))
        except FileNotFoundError:
            return None
        except (KeyError, TypeError, ValueError):
            # Of another release, or damaged: nothing in it can be relied on.
            return None

    def save(self, state: MeshState) -> None:
        """Replace the state in one step: a reader never sees half of it."""
        draft = self.state_file.with_suffix(f".{os.getpid()}.new")
        draft.write_text(json.dumps(state.to_json(), indent=1))
        os.replace(draft, self.state_file)

    def forget(self) -> None:
        self.state_file.unlink(missing_ok=True)

    def is_locked(self) -> bool:
        """Whether a supervisor lives."""
        try:
            descriptor = os.open(self.lock_file, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            # Shared, so that two who look at once don't take each other for a supervisor.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    @contextmanager
    def lock(self, patience_seconds: float = 0.5) -> Iterator[None]:
        """Hold the home. The patience is for those who only look whether it is locked.

        Raises:
            MeshRuns: somebody else holds it.
        """
        descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._acquire(descriptor, time.monotonic() + patience_seconds)
            yield
        finally:
            os.close(descriptor)

    def _acquire(self, descriptor: int, end: float) -> None:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > end:
                    raise self.runs() from None
            time.sleep(_LOCK_PAUSE_SECONDS)

    def runs(self) -> MeshRuns:
        """The refusal of a second mesh."""
        state = self.load()
        where = f" at {state.address}, supervisor {state.supervisor_pid}" if state else ""
        return MeshRuns(f"a mesh runs in {self.path} already{where}: `modalmesh down` stops it")


def read_state(home: Path) -> MeshState | None:
    """The state of the mesh that runs in `home`; none where none does."""
    place = Home.of(home)
    return place.load() if place.is_locked() else None


def moved(child: ChildState, state: Condition, **changes: Any) -> ChildState:
    """The child in another state, as of now."""
    return replace(child, state=state, since=time.time(), **changes)
