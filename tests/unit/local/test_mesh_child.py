"""One child under supervision, in this process."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modalmesh.local.child import Child
from modalmesh.local.failures import ChildFailed
from modalmesh.local.processes import free_ports
from modalmesh.local.state import ChildState, Condition, Home
from tests.unit.local.standin_mesh import QUICK, standin


class Watched:
    """A child and every state that it went through."""

    def __init__(self, home: Home, *flags: str, seconds: float = 10.0, **timing: Any) -> None:
        self.states: list[ChildState] = []
        spec = standin("part", free_ports(1)[0], *flags, seconds=seconds)
        self.child = Child(spec, home, replace(QUICK, **timing), lambda: self.states.append(self.child.state))

    @property
    def conditions(self) -> list[str]:
        return [state.state.value for state in self.states]

    async def until(self, so: Callable[[ChildState], bool]) -> ChildState:
        async with asyncio.timeout(10):
            while not so(self.child.state):
                await asyncio.sleep(0.005)
        return self.child.state

    async def kill(self) -> ChildState:
        """Kill it and wait until it serves again."""
        before = self.child.state
        assert before.pid is not None
        os.kill(before.pid, signal.SIGKILL)
        return await self.until(lambda now: now.restarts > before.restarts and now.state is Condition.SERVING)


@asynccontextmanager
async def kept(watched: Watched) -> AsyncIterator[Watched]:
    keeping = None
    try:
        await watched.child.start()
        keeping = asyncio.create_task(watched.child.keep())
        yield watched
    finally:
        if keeping:
            keeping.cancel()
            await asyncio.wait([keeping])
        await watched.child.stop()


async def test_it_serves_and_stops(home: Home) -> None:
    async with kept(Watched(home)) as watched:
        pass
    assert watched.conditions == ["starting", "serving", "stopped"]
    assert [state.pid is None for state in watched.states] == [False, False, True]
    assert watched.child.state.last_exit == "ended with exit code 0"


async def test_a_killed_one_is_back_at_its_address_and_says_how_it_ended(home: Home) -> None:
    async with kept(Watched(home)) as watched:
        before = watched.child.state
        after = await watched.kill()
    assert watched.conditions[:5] == ["starting", "serving", "backing-off", "starting", "serving"]
    assert (after.restarts, after.last_exit, after.address) == (1, "was killed by SIGKILL", before.address)
    assert after.pid != before.pid


async def test_each_restart_in_a_row_waits_twice_as_long(home: Home) -> None:
    async with kept(Watched(home, first_backoff=0.1)) as watched:
        for _ in range(3):
            await watched.kill()
    waits = [
        after.since - before.since
        for before, after in zip(watched.states, watched.states[1:], strict=False)
        if before.state is Condition.BACKING_OFF
    ]
    for wait, wanted in zip(waits, (0.1, 0.2, 0.4), strict=True):
        assert wanted <= wait < wanted + 0.1


async def test_backing_off_has_an_end(home: Home) -> None:
    async with kept(Watched(home, first_backoff=0.1, most_backoff=0.1)) as watched:
        begun = time.monotonic()
        for _ in range(4):
            await watched.kill()
    assert time.monotonic() - begun < 4 * 0.1 + 1.0


async def test_one_that_served_well_begins_anew(home: Home) -> None:
    async with kept(Watched(home, first_backoff=0.1, steady=0.0)) as watched:
        begun = time.monotonic()
        for _ in range(4):
            await watched.kill()
    assert time.monotonic() - begun < 4 * 0.1 + 1.0


async def test_one_that_ends_at_its_start_fails_with_its_last_words(home: Home) -> None:
    watched = Watched(home, "--exit", "1")
    with pytest.raises(ChildFailed, match=r"^part ended with exit code 1; the end of .*part.log:\nloading the model\n"):
        await watched.child.start()
    assert watched.child.state.state is Condition.FAILED


async def test_only_the_words_of_this_run_are_shown(home: Home) -> None:
    for _ in range(2):
        watched = Watched(home, "--exit", "1")
        with pytest.raises(ChildFailed) as failed:
            await watched.child.start()
    assert failed.value.message.count("loading the model\nthe model is broken") == 1


async def test_one_that_is_never_ready_is_killed_at_the_end_of_its_time(home: Home) -> None:
    watched = Watched(home, "--never-ready", seconds=0.3)
    with pytest.raises(ChildFailed, match=r"part was not ready after 0 s; it logged nothing"):
        await watched.child.start()
    await watched.child.stop()
    assert watched.child.state.pid is None


async def test_wrong_settings_are_not_tried_again(home: Home, tmp_path: Path) -> None:
    switch = tmp_path / "broken"
    async with kept(Watched(home, "--exit-if", str(switch))) as watched:
        switch.touch()
        assert watched.child.state.pid is not None
        os.kill(watched.child.state.pid, signal.SIGKILL)
        failed = await watched.until(lambda now: now.state is Condition.FAILED)
    assert (failed.restarts, failed.last_exit) == (1, "ended with exit code 2")


async def test_one_that_lives_but_does_not_answer_is_replaced(home: Home, tmp_path: Path) -> None:
    mute = tmp_path / "mute"
    async with kept(Watched(home, "--mute-if", str(mute))) as watched:
        mute.touch()
        hung = await watched.until(lambda now: now.state is Condition.BACKING_OFF)
        mute.unlink()
        await watched.until(lambda now: now.state is Condition.SERVING)
    assert hung.last_exit == "did not answer 3 health checks"


async def test_one_that_misses_a_check_or_two_is_left_alone(home: Home, tmp_path: Path) -> None:
    mute = tmp_path / "mute"
    async with kept(Watched(home, "--mute-if", str(mute), missed_checks=20)) as watched:
        mute.touch()
        await asyncio.sleep(0.5)
        mute.unlink()
        await asyncio.sleep(0.3)
    assert watched.conditions == ["starting", "serving", "stopped"]


async def test_one_that_ignores_sigterm_is_killed_after_the_grace(home: Home) -> None:
    async with kept(Watched(home, "--ignore-term", grace=0.2)) as watched:
        pass
    assert watched.child.state.last_exit == "was killed by SIGKILL"


async def test_a_full_log_makes_room(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modalmesh.local.child._MOST_LOG_BYTES", 10)
    (home.logs / "part.log").write_text("long enough to be put aside")
    async with kept(Watched(home)):
        pass
    assert (home.logs / "part.log.1").read_text() == "long enough to be put aside"
    assert (home.logs / "part.log").read_text() == ""


async def test_one_that_can_not_be_started_for_a_while_is_tried_again(home: Home) -> None:
    away = home.path / "away"
    async with kept(Watched(home, most_backoff=0.1)) as watched:
        home.logs.rename(away)
        assert watched.child.state.pid is not None
        os.kill(watched.child.state.pid, signal.SIGKILL)
        tried = await watched.until(lambda now: "can't be started" in (now.last_exit or ""))
        away.rename(home.logs)
        await watched.until(lambda now: now.state is Condition.SERVING)
    assert "No such file or directory" in (tried.last_exit or "")
