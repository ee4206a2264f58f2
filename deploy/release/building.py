"""A source tree, a wheel and a source distribution, made of what is committed and nothing else."""

import hashlib
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path | None = None, path: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run to the end; `path` is put before the PATH.

    Raises:
        CalledProcessError: it failed; holds what it said.
    """
    search = os.pathsep.join(filter(None, (str(path or ""), os.environ["PATH"])))
    # PYTHONPATH would let an environment find the sources beside it.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**environment, "PATH": search, "PIP_CONSTRAINT": str(ROOT / "constraints.txt")},
        text=True,
        capture_output=True,
        check=True,
    )


class Environment:
    """A Python environment of its own, empty but for pip."""

    def __init__(self, folder: Path) -> None:
        run(sys.executable, "-m", "venv", folder)
        self.bin = folder / "bin"

    def install(self, *requirements: str | Path) -> None:
        run(self.bin / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *requirements)

    def program(self, *words: str | Path, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """Run one of its programs, such as `python`."""
        name, *rest = words
        return run(self.bin / name, *rest, cwd=cwd, path=self.bin)


def project(source: Path) -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((source / "pyproject.toml").read_text())


def export(target: Path) -> Path:
    """What is committed, without the repository around it."""
    archive = target.with_suffix(".tar")
    run("git", "archive", "--output", archive, "HEAD", cwd=ROOT)
    with tarfile.open(archive) as files:
        files.extractall(target, filter="data")
    return target


def build(source: Path, work: Path) -> tuple[Path, Path]:
    """The source distribution and the wheel of a source tree, by what its pyproject.toml asks for and nothing else."""
    environment = Environment(work / "build")
    environment.install(*project(source)["build-system"]["requires"])
    environment.program("hatchling", "build", "--directory", work / "dist", cwd=source)
    (sdist,), (wheel,) = (work / "dist").glob("*.tar.gz"), (work / "dist").glob("*.whl")
    return sdist, wheel


def rebuild(sdist: Path, work: Path) -> Path:
    """The wheel that pip makes of a source distribution, in isolation."""
    target = work / "again"
    run(work / "build/bin/python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", target, sdist)
    (wheel,) = target.glob("*.whl")
    return wheel


def wheel_contents(wheel: Path) -> dict[str, str]:
    """Each file's SHA-256 by its name."""
    with zipfile.ZipFile(wheel) as files:
        return {name: hashlib.sha256(files.read(name)).hexdigest() for name in files.namelist()}


def sdist_names(sdist: Path) -> set[str]:
    with tarfile.open(sdist) as files:
        return {member.name.partition("/")[2] for member in files.getmembers() if member.isfile()}
