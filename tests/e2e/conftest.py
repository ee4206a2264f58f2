"""A real mesh, started as a user does, with the packaged models."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modalmesh.client import Client
from modalmesh.local.mesh import MeshState, read_state, start_mesh, stop_mesh
from modalmesh.local.processes import free_ports
from modalmesh.types import Event, Item, Picture
from tests.e2e.pictures import picture

COLOURS = ("red", "green", "blue", "grey", "brown")
THINGS = ("shoe", "lamp", "chair", "kettle")
USERS = ("ada", "ben")


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeshState]:
    """One for all tests of a module, which must leave it running. It has a Redis of its own, whatever is set."""
    home = tmp_path_factory.mktemp("mesh")
    yield start_mesh(home, redis_url="")
    stop_mesh(home)


@pytest.fixture(scope="module")
def filled_mesh(mesh: MeshState) -> MeshState:
    """With items that have texts and pictures, and users who liked some."""
    with Client(mesh.address) as client:
        fill(client)
    return mesh


@pytest.fixture(scope="session")
def shared_mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeshState]:
    """One for all tests that leave it as it is but for a namespace of their own, started and stopped by the verbs."""
    home = tmp_path_factory.mktemp("shared-mesh")
    started = modalmesh("up", "--detach", "--port", str(free_ports(1)[0]), home=home)
    assert started.returncode == 0, started.stderr
    state = read_state(home)
    assert state is not None
    yield state
    assert modalmesh("down", home=home).returncode == 0


def fill(client: Client) -> None:
    names = [(colour, thing) for thing in THINGS for colour in COLOURS]
    items = [
        Item(f"{colour}-{thing}", title=f"A {colour} {thing}", pictures=[Picture(picture(colour), "front.png")])
        for colour, thing in names
    ]
    assert client.upsert_items(items).refused == ()
    events = [Event(user, f"{colour}-shoe", 1_700_000_000_000, value=5.0) for user in USERS for colour in COLOURS[:3]]
    assert client.record_events(events).recorded == len(events)


def modalmesh(*arguments: str, home: Path) -> "subprocess.CompletedProcess[str]":
    """Run the command line as a user does, with a home and no Redis of the environment's."""
    return subprocess.run(
        (sys.executable, "-m", "modalmesh", *arguments),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment_of(home),
    )


def environment_of(home: Path) -> dict[str, str]:
    return {**os.environ, "MODALMESH_HOME": str(home), "MODALMESH_REDIS_URL": ""}
