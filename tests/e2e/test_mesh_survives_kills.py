"""kill -9 on each child while callers call."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from modalmesh.client import Client
from modalmesh.local.mesh import MeshState, read_state
from modalmesh.local.state import ChildState
from tests.e2e.callers import Callers
from tests.waiting import eventually

# Not how fast it is, which is the machine's matter: only so that a test that fails ends.
PATIENCE = 60.0


def child_now(mesh: MeshState, name: str) -> ChildState:
    state = read_state(mesh.home)
    assert state is not None, "the supervisor should live"
    return state.child(name)


def kill(mesh: MeshState, name: str) -> None:
    """And wait until it serves again, started once."""
    before = child_now(mesh, name)
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    eventually(lambda: (now := child_now(mesh, name)).pid != before.pid and now.state == "serving", seconds=PATIENCE)
    assert child_now(mesh, name).restarts == before.restarts + 1


@pytest.mark.parametrize("name", ["redis", "text-encoder", "image-encoder", "fusion-ranker", "gateway"])
def test_a_killed_child_is_back_nothing_accepted_is_lost_and_reads_are_answered(
    filled_mesh: MeshState, name: str
) -> None:
    callers = Callers(filled_mesh.address, name)
    with callers.calling():
        kill(filled_mesh, name)
    with Client(filled_mesh.address) as client:
        assert (callers.lost_items(client), callers.lost_events(client)) == (set(), set())
    assert callers.failed_reads == []
    # Where the gateway itself is away, clients wait for it.
    assert name == "gateway" or name in callers.lacked


@contextmanager
def held_up(mesh: MeshState, name: str, died: int) -> Iterator[None]:
    """The process that takes a dead one's place starts no further meanwhile: it would be there within a second."""
    eventually(lambda: child_now(mesh, name).pid not in (None, died))
    successor = child_now(mesh, name).pid
    assert successor is not None
    os.kill(successor, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(successor, signal.SIGCONT)


@pytest.mark.parametrize("name", ["text-encoder", "image-encoder"])
def test_while_an_encoder_is_away_other_reads_and_writes_go_on(filled_mesh: MeshState, name: str) -> None:
    callers = Callers(filled_mesh.address, f"away-{name}")
    with callers.calling():
        before = child_now(filled_mesh, name)
        assert before.pid is not None
        os.kill(before.pid, signal.SIGKILL)
        with held_up(filled_mesh, name, before.pid):
            callers.more("put", "record", "recommend", "similar", "search by both")
            assert child_now(filled_mesh, name).state != "serving"
        eventually(lambda: child_now(filled_mesh, name).state == "serving", seconds=PATIENCE)
    assert callers.failed_reads == []


def test_the_state_tells_how_each_ended_and_that_all_serve_again(filled_mesh: MeshState) -> None:
    state = read_state(filled_mesh.home)
    assert state is not None
    assert [child.restarts for child in state.children] == [1, 2, 2, 1, 1]
    assert {child.last_exit for child in state.children} == {"was killed by SIGKILL"}
    with Client(filled_mesh.address) as client:
        eventually(lambda: client.recommend("ada").served.lacked == ())


def test_what_came_in_while_a_part_was_away_is_completed(filled_mesh: MeshState) -> None:
    with Client(filled_mesh.address) as client:
        eventually(lambda: [space.pending for space in client.status().namespaces] == [0])


def test_a_second_death_soon_after_is_survived_too(filled_mesh: MeshState) -> None:
    kill(filled_mesh, "fusion-ranker")
    assert child_now(filled_mesh, "fusion-ranker").restarts == 2
