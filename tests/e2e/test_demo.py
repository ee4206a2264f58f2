"""The demo as a user runs it, on a small shop, in a real mesh. The tests go on from one another."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modalmesh.local.demo import run_demo
from modalmesh.local.demo.catalogues import ShopSize
from modalmesh.local.mesh import read_state, stop_mesh
from modalmesh.local.shop import write_shop
from tests.e2e.conftest import environment_of, modalmesh
from tests.waiting import eventually

ITEMS, USERS = 40, 8


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Holds the data folder `shop`, the mesh's `home` and the report."""
    folder = tmp_path_factory.mktemp("demo")
    write_shop(folder / "shop", items=ITEMS, users=USERS)
    yield folder
    stop_mesh(folder / "home")


def demo(place: Path, *options: str) -> dict[str, Any]:
    arguments = ("demo", "--data", str(place / "shop"), "--output", str(place / "report.html"), "--json", *options)
    outcome = modalmesh(*arguments, home=place / "home")
    assert outcome.returncode == 0, outcome.stderr
    document: dict[str, Any] = json.loads(outcome.stdout)
    return document


def test_it_fills_a_mesh_says_what_it_did_and_stops_it(place: Path) -> None:
    document = demo(place)
    assert (document["items"], document["failed"], document["users"]) == (ITEMS, 0, USERS)
    assert document["encoded"]["text"] > ITEMS
    assert document["encoded"]["image"] > 0.9 * ITEMS
    assert (document["report"], read_state(place / "home")) == (str(place / "report.html"), None)


def test_the_report_shows_users_with_their_reasons(place: Path) -> None:
    page = (place / "report.html").read_text("utf-8")
    assert page.count('<article class="person"') == 6
    assert page.count("Close to “") > 6
    assert page.count("<img ") > 50


def test_a_second_run_encodes_nothing_and_may_keep_the_mesh(place: Path) -> None:
    document = demo(place, "--keep")
    assert (document["items"], document["encoded"]) == (ITEMS, {"text": 0, "image": 0})
    assert read_state(place / "home") is not None


def test_a_mesh_that_runs_is_used_and_stays_and_the_shops_tastes_are_found(place: Path) -> None:
    before = read_state(place / "home")
    result = run_demo(None, place / "shop.html", place / "home", shop=ShopSize(ITEMS, USERS))
    after = read_state(place / "home")
    assert before
    assert after
    assert before.supervisor_pid == after.supervisor_pid
    # Its pictures and texts are those of the folder that was there, in another namespace.
    assert (result.items, result.encoded, result.address) == (ITEMS, {"text": 0, "image": 0}, after.address)
    assert "Hidden tastes, found" in (place / "shop.html").read_text("utf-8")


def test_who_ends_it_half_way_ends_the_mesh_too(place: Path, tmp_path: Path) -> None:
    options = ("--data", str(place / "shop"), "--output", str(tmp_path / "report.html"), "--json")
    command = (sys.executable, "-m", "modalmesh", "demo", *options)
    running = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment_of(tmp_path / "home"), text=True)
    eventually(lambda: read_state(tmp_path / "home"), seconds=60)
    running.send_signal(signal.SIGTERM)
    stdout, _ = running.communicate(timeout=60)
    assert (running.returncode, json.loads(stdout)["error"]["reason"]) == (1, "INTERRUPTED")
    assert read_state(tmp_path / "home") is None
    assert not (tmp_path / "report.html").exists()
