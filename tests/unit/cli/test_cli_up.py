"""Which ranker `up` starts a mesh with."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from modalmesh.local import mesh
from modalmesh.local.state import MeshState
from tests.unit.cli.conftest import Verb


@pytest.fixture
def bundles(monkeypatch: pytest.MonkeyPatch) -> list[Path | None]:
    """Of the meshes that were started."""
    started: list[Path | None] = []

    def start_mesh(home: Path, port: int, *, bundle: Path | None) -> MeshState:
        started.append(bundle)
        return MeshState("127.0.0.1:1", home, "", os.getpid(), 0.0, time.time())

    def run_mesh(home: Path, port: int, *, serving: Any, bundle: Path | None) -> None:
        serving(start_mesh(home, port, bundle=bundle))

    monkeypatch.setattr(mesh, "start_mesh", start_mesh)
    monkeypatch.setattr(mesh, "run_mesh", run_mesh)
    return started


@pytest.mark.parametrize("options", [[], ["--detach"]])
def test_it_is_the_bundle_that_is_named_or_that_of_the_environment_or_none(
    verb: Verb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundles: list[Path | None], options: list[str]
) -> None:
    named, other = tmp_path / "named", tmp_path / "other"
    named.mkdir()
    other.mkdir()
    verb("up", "--json", *options)
    monkeypatch.setenv("MODALMESH_BUNDLE", str(other))
    verb("up", "--json", *options)
    outcome = verb("up", "--json", *options, "--bundle", str(named))
    assert (outcome.code, bundles) == (0, [None, other, named])


def test_a_bundle_that_is_not_there_is_wrong_use(verb: Verb, bundles: list[Path | None]) -> None:
    outcome = verb("up", "--bundle", "none")
    assert (outcome.code, bundles) == (2, [])
    assert "'none' does not exist" in outcome.stderr
