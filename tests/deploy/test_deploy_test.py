"""What make deploy-test says where it can't run. Where it can, it is its own test."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.test import docker_host
from deploy.test import images as images_of
from deploy.test.docker_host import Docker, Missing

ROOT = Path(__file__).resolve().parents[2]


def program(folder: Path, name: str, *lines: str) -> None:
    path = folder / name
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are found; it is empty."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def be(user: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)


def why() -> str:
    """Why there is no docker here."""
    with pytest.raises(Missing) as missing, docker_host.docker():
        pass
    return str(missing.value)


def test_a_run_without_docker_and_apt_says_that_it_skipped_and_why_and_ends_with_0(path: Path) -> None:
    ended = subprocess.run([sys.executable, "-m", "deploy.test"], cwd=ROOT, capture_output=True, text=True)
    reasons = (
        "there is no dockerd, and no apt-get to install docker.io",
        "no Docker daemon answers, and only root can",
    )
    assert ended.stderr.startswith(f"deploy-test skipped: {reasons[bool(os.geteuid())]}")
    assert (ended.stdout, ended.returncode) == ("", 0)


def test_who_is_not_root_starts_no_daemon(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    be(1000, monkeypatch)
    program(path, "apt-get", f"touch {path / 'called'}")
    assert why() == "no Docker daemon answers, and only root can start one"
    assert not (path / "called").exists()


def test_a_package_that_apt_does_not_have_is_named_with_what_apt_said(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(0, monkeypatch)
    program(path, "apt-get", 'test "$2" = update || { echo "E: Unable to locate package" >&2; exit 100; }')
    assert why() == "docker.io can't be installed: E: Unable to locate package"


def test_a_client_whose_daemon_does_not_answer_is_no_docker(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    be(1000, monkeypatch)
    program(path, "docker", "exit 1")
    assert "no Docker daemon answers" in why()


def test_a_docker_that_answers_and_has_both_plugins_is_taken_as_it_is(path: Path) -> None:
    program(path, "docker", "exit 0")
    with docker_host.docker() as found:
        assert found == Docker(str(path / "docker"), {})


def test_without_root_no_base_is_made_and_the_one_that_is_there_is_taken(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(1000, monkeypatch)
    program(path, "docker", "")
    with pytest.raises(Missing, match="there is no debootstrap, and only root can install debootstrap"):
        images_of.make_base(Docker(str(path / "docker"), {}))
    program(path, "docker", "echo 0123456789ab")
    images_of.make_base(Docker(str(path / "docker"), {}))
