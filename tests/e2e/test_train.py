"""From a folder to a mesh that ranks by what was learned from it, by the verbs alone."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modalmesh.client import Client
from modalmesh.data_folder import DataFolder
from modalmesh.local.mesh import read_state
from modalmesh.local.shop import write_shop
from modalmesh.types import Event, Served
from tests.e2e.conftest import environment_of
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
SYSTEM = "MultiModalAttention"
NAMESPACE = "shop"


def modalmesh(home: Path, *arguments: str) -> dict[str, Any]:
    """A verb's document; it must do well."""
    command = (sys.executable, "-m", "modalmesh", *arguments, "--json")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment_of(home))
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@dataclass(frozen=True, slots=True)
class World:
    """A shop, a home without a mesh, and what `train` made of the one in the other."""

    shop: Path
    home: Path
    bundle: Path
    told: dict[str, Any]

    def train(self, *options: str) -> dict[str, Any]:
        places = (str(self.shop), "--out", str(self.bundle), "--namespace", NAMESPACE)
        return modalmesh(self.home, "train", *places, "--system", SYSTEM, "--epochs", "1", *options)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("train")
    write_shop(folder / "shop", items=30, users=20)
    made = World(folder / "shop", folder / "home", folder / "shop.bundle", {})
    yield World(made.shop, made.home, made.bundle, made.train())
    if read_state(made.home):
        modalmesh(made.home, "down")


def test_training_without_a_mesh_leaves_a_bundle_and_no_mesh(world: World) -> None:
    assert read_state(world.home) is None
    manifest = json.loads((world.bundle / "manifest.json").read_text())
    assert (manifest["system"], manifest["revision"]) == (SYSTEM, world.told["revision"])
    assert (manifest["made_for"]["text"]["dim"], manifest["made_for"]["image"]["dim"]) == (384, 1280)
    assert (world.told["data"]["items"], world.told["data"]["users"]) == (30, 20)
    assert "<svg" in (world.bundle / "report.html").read_text()


def test_a_mesh_ranks_by_the_bundle_and_by_another_once_its_ranker_is_started_again(world: World) -> None:
    address = modalmesh(world.home, "up", "--detach", "--port", "0", "--bundle", str(world.bundle))["address"]
    user = next(event.user_id for event in DataFolder(world.shop).events() if isinstance(event, Event))

    def served() -> Served:
        with Client(address, NAMESPACE) as client:
            return client.recommend(user, k=3).served

    eventually(lambda: served().ranker_revision == world.told["revision"], seconds=60)
    assert (served().served_by, served().lacked) == ("rank", ())
    # The mesh that runs gives the vectors; no text is encoded again.
    before = encoded(address)
    other = world.train("--seed", "5")
    assert (encoded(address), other["revision"] != world.told["revision"]) == (before, True)
    state = read_state(world.home)
    assert state is not None
    os.kill(state.child("fusion-ranker").pid or 0, signal.SIGKILL)
    eventually(lambda: served().ranker_revision == other["revision"], seconds=60)
    assert (served().served_by, served().lacked) == ("rank", ())
    modalmesh(world.home, "down")


def encoded(address: str) -> int:
    with Client(address, NAMESPACE) as client:
        cache = client.status().cache
    return cache.encoded_texts + cache.encoded_images


def test_a_training_that_is_interrupted_leaves_no_mesh_and_no_bundle(world: World) -> None:
    command = (sys.executable, "-m", "modalmesh", "train", str(world.shop), "--out", f"{world.bundle}.2", "--json")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment_of(world.home)
    ) as training:
        assert training.stdout is not None
        assert training.stderr is not None
        assert any("mesh started: 1 of 1" in line for line in training.stderr)
        training.send_signal(signal.SIGINT)
        said, _ = training.communicate(timeout=90)
    assert (training.returncode, json.loads(said)["error"]["reason"]) == (1, "INTERRUPTED")
    assert read_state(world.home) is None
    assert not Path(f"{world.bundle}.2").exists()


def test_data_problems_are_said_before_a_mesh_is_started(world: World, tmp_path: Path) -> None:
    (tmp_path / "items.jsonl").write_text('{"item_id": "lamp", "title": "Lamp"}\n')
    (tmp_path / "interactions.csv").write_text("user_id,item_id,timestamp,rating\n")
    command = (sys.executable, "-m", "modalmesh", "train", str(tmp_path), "--out", f"{world.bundle}.3", "--json")
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env=environment_of(tmp_path / "home")
    )
    assert (done.returncode, json.loads(done.stdout)["error"]["reason"]) == (1, "NO_EVENTS")
    assert not (tmp_path / "home").exists()
