"""The commands of docs/runbooks.md for one machine do, as they are written, what is said of them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from modalmesh.client import Client
from modalmesh.errors import NotFound
from modalmesh.local.mesh import MeshState, read_state
from tests.e2e.conftest import environment_of
from tests.waiting import eventually

PAGE = (Path(__file__).parents[2] / "docs" / "runbooks.md").read_text(encoding="utf-8")
ON_ONE_MACHINE, REDIS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("jq") is None, reason="the commands need jq"),
]


def shell(script: str, home: Path, **environment: str) -> str:
    """What it puts out, when it has nothing to complain of."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**environment_of(home), "PATH": path, **environment},
    )
    assert ran.stderr == ""
    return ran.stdout


def failed_request(mesh: MeshState) -> str:
    """The id of a request that left a line in the gateway's log."""
    with Client(mesh.address) as client, pytest.raises(NotFound) as caught:
        client.get_item("none")
    return caught.value.request_id


def test_they_show_the_mesh_and_a_request_and_start_a_child_anew(mesh: MeshState) -> None:
    request_id = failed_request(mesh)
    told = shell(ON_ONE_MACHINE.replace("REQUEST_ID", request_id), mesh.home)
    assert "fusion-ranker" in told
    (line,) = [line for line in told.splitlines() if request_id in line]
    assert "/modalmesh.v1.Recommender/GetItem: NOT_FOUND" in line

    def is_started_anew() -> bool:
        state = read_state(mesh.home)
        return state is not None and (state.child("fusion-ranker").restarts, state.child("fusion-ranker").state) == (
            1,
            "serving",
        )

    eventually(is_started_anew, 60)


def test_redis_is_asked_without_a_client_of_its_own(mesh: MeshState) -> None:
    assert shell(REDIS, mesh.home) == "[]\n"
    assert "cmdstat_" in shell(REDIS.replace("SLOWLOG GET", "INFO commandstats"), mesh.home)


def test_the_gateways_own_way_to_redis_is_tried(mesh: MeshState, tmp_path: Path) -> None:
    (command,) = re.findall(r"kubectl exec deploy/gateway -- (python3 -c '.*ping.*')", PAGE)
    (tmp_path / "url").write_text(f"redis://{mesh.child('redis').address}/0\n")
    assert shell(command, mesh.home, MODALMESH_REDIS_URL_FILE=str(tmp_path / "url")) == "True\n"
