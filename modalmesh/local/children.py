"""What a mesh on one machine consists of, as data."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from modalmesh.local import valkey
from modalmesh.local.processes import HOST, free_ports
from modalmesh.local.readiness import GrpcHealth, Readiness, RedisPing
from modalmesh.local.security import security
from modalmesh.local.state import Home

REDIS_URL = "MODALMESH_REDIS_URL"
# Whoever starts a mesh has read it already, and to give both is an error.
_NO_FILE = {"MODALMESH_REDIS_URL_FILE": ""}
_MOST_THREADS = 4
# A large append-only file takes its time, and so does a model that is downloaded first.
_REDIS_START_SECONDS = 600.0
_SERVER_START_SECONDS = 300.0

# By FACTS of glibc: freed message buffers are kept for the next message instead of going back to the kernel.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(64 << 20), "MALLOC_TRIM_THRESHOLD_": str(256 << 20)}


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A process to keep running.

    Those of one `start_rank` start together, and are ready before the next rank starts; `stop_rank` likewise.
    `environment` is put over the supervisor's own; `command[0]` is a path; `start_seconds` is the most for a start.
    """

    name: str
    address: str
    command: tuple[str, ...]
    readiness: Readiness
    start_rank: int = 0
    stop_rank: int = 0
    start_seconds: float = 60.0
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MeshSpec:
    """The children in the order in which they are shown, and where callers and records go."""

    address: str
    redis_url: str
    children: tuple[ChildSpec, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Who ranks: by a trained `bundle`; where there is none, as the fusion-ranker's own settings say.

    A mesh that is not `wanted` to rank has no fusion-ranker, and is as ready to encode.
    """

    bundle: Path | None = None
    wanted: bool = True


AS_SET = Ranking()


def mesh_spec(home: Home, port: int, redis_url: str, ranking: Ranking = AS_SET) -> MeshSpec:
    """The mesh of `home`: gateway on `port`, all others on free ports; an embedded Valkey if `redis_url` is empty.

    Raises:
        MeshFailed: no embedded Valkey runs on this machine, or there are no free ports.
    """
    text, image, ranker, redis = (f"{HOST}:{free}" for free in free_ports(4, besides=port))
    children: list[ChildSpec] = []
    if not redis_url:
        children.append(_embedded(home, redis))
        redis_url = f"redis://{redis}/0"
    parts = {"text-encoder": text, "image-encoder": image, "fusion-ranker": ranker}
    flags = {"fusion-ranker": ("--model", str(ranking.bundle)) if ranking.bundle else ()}
    children += [
        _server(name, f"modalmesh_services.{name.replace('-', '_')}", at, _prefix(name), *flags.get(name, ()))
        for name, at in parts.items()
        if ranking.wanted or name != "fusion-ranker"
    ]
    places = [flag for name, at in parts.items() for flag in (f"--{name}", at)]
    address = f"{HOST}:{port}"
    # The URL goes by environment: everybody on the machine can read a command line, and it may hold a password.
    # The gateway is ready without the others. It starts last so that its first look finds them: else the first items
    # that come in are left pending. It stops first, since what it has accepted still needs the others.
    gateway = _server(
        "gateway",
        "modalmesh_gateway",
        address,
        "MODALMESH_",
        *places,
        ranks=(2, 0),
        **{REDIS_URL: redis_url, **_NO_FILE},
    )
    return MeshSpec(address, without_password(redis_url), (*children, gateway))


def without_password(url: str) -> str:
    """The URL with `***` for its password, to be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user = parts.netloc.split(":", 1)[0]
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:***@{place}"))


def _embedded(home: Home, address: str) -> ChildSpec:
    """Ready before the others start, so that none of them begins degraded; stopped when nobody writes any more."""
    port = int(address.rpartition(":")[2])
    configuration = valkey.write_configuration(home.valkey, HOST, port)
    command = (str(valkey.binary()), str(configuration))
    return ChildSpec("redis", address, command, RedisPing(HOST, port), 0, 2, _REDIS_START_SECONDS)


def _prefix(name: str) -> str:
    """Of the environment variables of a service's settings."""
    return f"MODALMESH_{name.replace('-', '_').upper()}_"


def _server(
    name: str, module: str, address: str, prefix: str, *flags: str, ranks: tuple[int, int] = (1, 1), **environment: str
) -> ChildSpec:
    """One of ours. `prefix` is its settings', `ranks` are those of its start and of its stop."""
    secured = security(prefix, os.environ)
    host, _, port = address.rpartition(":")
    # -P: a file in the folder where somebody typed `modalmesh up` is no module of ours.
    command = (sys.executable, "-P", "-m", module, "--host", host, "--port", port, *flags)
    return ChildSpec(
        name,
        address,
        command,
        GrpcHealth(address, secured.caller),
        *ranks,
        start_seconds=_SERVER_START_SECONDS,
        environment={**_tuning(os.environ), **secured.environment, **environment},
    )


def _tuning(environment: Mapping[str, str]) -> dict[str, str]:
    """What suits several servers on one machine, where the user hasn't said otherwise.

    The encoders count their threads themselves; this is for small operations, such as the ranker's, for which
    waking all cores costs more than they save.
    """
    threads = str(max(1, min(_MOST_THREADS, (os.cpu_count() or 1) // 2)))
    wanted = {**_MALLOC, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    return {key: value for key, value in wanted.items() if key not in environment}
