"""A Docker daemon with compose and buildx: the one that runs, or one of our own from Debian's packages."""

import gzip
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "modalmesh" / "deploy-test"
_START_SECONDS = 60.0
_MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
# The release whose packages have today's compose and buildx; they need nothing of it.
_NEWER = "trixie"
# Networks that hardly any host has, since those of a machine that is a container itself are often Docker's own.
_NETWORKS = ("--bip", "198.18.1.1/24", "--default-address-pool", "base=198.18.128.0/17,size=24")


class Missing(Exception):
    """What this needs isn't here and can't be had here; says why."""


@dataclass(frozen=True, slots=True)
class Docker:
    """How to run docker: the command, and what it needs of the environment."""

    command: str
    environment: Mapping[str, str]

    def run(self, *arguments: str, quiet: bool = False, **environment: str) -> str:
        """What it prints, which is shown as well unless `quiet`.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        started = time.monotonic()
        done = subprocess.run(
            [self.command, *arguments],
            env={**os.environ, **self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if quiet else None,
            text=True,
        )
        if not quiet:
            sys.stderr.write(f"[{time.monotonic() - started:6.1f} s] docker {' '.join(arguments)}\n")
        if done.returncode:
            sys.stderr.write(done.stdout)
            done.check_returncode()
        return done.stdout

    def script(self, path: Path, *arguments: str) -> None:
        """Run a script that calls docker."""
        folder = str(Path(self.command).parent)
        paths = {"PATH": os.pathsep.join([folder, os.environ["PATH"]])}
        subprocess.run([str(path), *arguments], env={**os.environ, **self.environment, **paths}, check=True)


@contextmanager
def docker() -> Iterator[Docker]:
    """Docker for the length of the block. A daemon that was started for it ends with it.

    Raises:
        Missing: none runs, and this isn't root on a Debian.
    """
    command = shutil.which("docker")
    if command and _answers(Docker(command, {})):
        yield Docker(command, _plugins(Docker(command, {})))
        return
    if os.geteuid() != 0:
        raise Missing("no Docker daemon answers, and only root can start one")
    install("docker.io", "dockerd")
    with _daemon() as started:
        yield Docker(started.command, {**started.environment, **_plugins(started)})


def _answers(docker: Docker, *arguments: str) -> bool:
    environment = {**os.environ, **docker.environment}
    found = subprocess.run([docker.command, *(arguments or ["info"])], env=environment, capture_output=True)
    return found.returncode == 0


def install(package: str, command: str) -> None:
    """Debian's package, unless the command is there.

    Raises:
        Missing: it can't be installed here.
    """
    if shutil.which(command):
        return
    if os.geteuid() != 0:
        raise Missing(f"there is no {command}, and only root can install {package}")
    if not shutil.which("apt-get"):
        raise Missing(f"there is no {command}, and no apt-get to install {package}")
    sys.stderr.write(f"installing {package}\n")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for verb in (("update",), ("install", "--yes", "--no-install-recommends", package)):
        done = subprocess.run(["apt-get", "-qq", *verb], env=environment, capture_output=True, text=True)
        if done.returncode:
            raise Missing(f"{package} can't be installed: {(done.stderr or done.stdout).strip()}")


@contextmanager
def _daemon() -> Iterator[Docker]:
    """With a socket of its own; images and what builds keep stay in the cache for the next time."""
    _CACHE.mkdir(parents=True, exist_ok=True)
    socket, log = _CACHE / "docker.sock", _CACHE / "dockerd.log"
    docker = Docker("/usr/bin/docker", {"DOCKER_HOST": f"unix://{socket}"})
    command = ["dockerd", "--host", f"unix://{socket}", "--data-root", str(_CACHE / "root"), *_NETWORKS]
    command += ["--exec-root", str(_CACHE / "exec"), "--pidfile", str(_CACHE / "pid")]
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        end = time.monotonic() + _START_SECONDS
        while not _answers(docker):
            if process.poll() is not None or time.monotonic() > end:
                raise Missing(f"a daemon doesn't start here, see {log}: {log.read_text().splitlines()[-1:]}")
            time.sleep(0.5)
        yield docker
    finally:
        process.terminate()
        process.wait()


def _plugins(docker: Docker) -> dict[str, str]:
    """What else the client needs for compose 2 and buildx: nothing, or a folder with both."""
    wanted = ("compose", "buildx")
    if all(_answers(docker, name, "version") for name in wanted):
        return {}
    if not shutil.which("dpkg-deb"):
        raise Missing("docker has no compose 2 and buildx, and there is no dpkg-deb to unpack Debian's")
    folder = _CACHE / "client" / "cli-plugins"
    folder.mkdir(parents=True, exist_ok=True)
    for name in wanted:
        if not (folder / f"docker-{name}").exists():
            try:
                _unpack(f"docker-{name}", folder)
            except OSError as error:
                raise Missing(f"docker has no {name}, and Debian's can't be fetched: {error}") from error
    return {"DOCKER_CONFIG": str(folder.parent)}


def _unpack(package: str, folder: Path) -> None:
    """The one binary of a package of Debian's newer release."""
    told = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True)
    index = gzip.decompress(_get(f"dists/{_NEWER}/main/binary-{told.stdout.strip()}/Packages.gz")).decode()
    about = next(part for part in index.split("\n\n") if part.startswith(f"Package: {package}\n"))
    path = next(line.split()[1] for line in about.splitlines() if line.startswith("Filename: "))
    archive, unpacked = _CACHE / f"{package}.deb", _CACHE / package
    archive.write_bytes(_get(path))
    subprocess.run(["dpkg-deb", "--extract", str(archive), str(unpacked)], check=True)
    shutil.copy2(next(unpacked.rglob(f"cli-plugins/{package}")), folder / package)
    shutil.rmtree(unpacked)
    archive.unlink()


def _get(path: str) -> bytes:
    with urllib.request.urlopen(f"{_MIRROR}/{path}", timeout=60) as response:  # noqa: S310 - the mirror's own
        content: bytes = response.read()
        return content
