"""The supervisor: starts the children of a mesh, keeps them running, stops them in order.

`python -m modalmesh.local.supervisor --home DIR --port N` is the detached one; `supervise` runs in any process.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from modalmesh.local.child import Child, Timing
from modalmesh.local.children import REDIS_URL, ChildSpec, MeshSpec, Ranking, mesh_spec
from modalmesh.local.failures import MeshFailed
from modalmesh.local.processes import chosen_port, created, end_all, find
from modalmesh.local.state import Home, MeshState, Phase

logger = logging.getLogger(__name__)

ORPHAN_GRACE_SECONDS = 12.0
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_TIMING = Timing()

Told = Callable[[MeshState], None]


class Supervisor:
    """Runs one mesh until it is told to stop. The home must be locked by whoever runs it."""

    def __init__(self, spec: MeshSpec, home: Home, timing: Timing, serving: Told) -> None:
        self._home = home
        self._serving = serving
        self._stopping = asyncio.Event()
        self._children = [Child(child, home, timing, self._write) for child in spec.children]
        now = created(os.getpid())
        self._state = MeshState(spec.address, home.path, spec.redis_url, os.getpid(), now, started=time.time())

    async def run(self) -> None:
        """Start all, say so, keep them, and stop them after a signal.

        Raises:
            MeshFailed: a child can't be started; those that were are stopped again.
        """
        loop = asyncio.get_running_loop()
        numbers = heard_signals()
        for number in numbers:
            loop.add_signal_handler(number, self._stopping.set)
        self._move(Phase.STARTING)
        work = asyncio.create_task(self._start_and_keep())
        told = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((work, told), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        finally:
            told.cancel()
            work.cancel()
            await asyncio.wait([work])
            await self._stop()
            for number in numbers:
                loop.remove_signal_handler(number)

    async def _start_and_keep(self) -> None:
        """Runs until it is cancelled. A failure of one child's start cancels the others' (TaskGroup)."""
        for rank in _ranks(self._children, lambda spec: spec.start_rank):
            await _together(child.start() for child in rank)
        self._move(Phase.SERVING)
        self._serving(self._state)
        await _together([*(child.keep() for child in self._children), self._stopping.wait()])

    async def _stop(self) -> None:
        self._move(Phase.STOPPING)
        for rank in _ranks(self._children, lambda spec: spec.stop_rank):
            await _together(child.stop() for child in rank)

    def _move(self, phase: Phase) -> None:
        self._state = replace(self._state, phase=phase)
        self._write()

    def _write(self) -> None:
        """Children call this at every change."""
        self._state = replace(self._state, children=tuple(child.state for child in self._children))
        try:
            self._home.save(self._state)
        except OSError as error:
            # A full disk is no reason to let the mesh die; the next change is written again.
            logger.error("can't write %s: %s", self._home.state_file, error)


def supervise(home: Home, port: int, redis_url: str, ranking: Ranking, serving: Told) -> None:
    """Run the mesh of `home` in this process until SIGTERM, SIGINT or SIGHUP; `serving` hears when all are ready.

    What a killed supervisor has left behind is ended first.

    Raises:
        MeshRuns: there is one already.
        PortTaken: the gateway can't listen on `port`; nothing was started.
        MeshFailed: a child can't be started; nothing is left running.
    """
    home.create()
    with home.lock():
        end_orphans(home)
        run(mesh_spec(home, chosen_port(port), redis_url, ranking), home, serving)


def run(spec: MeshSpec, home: Home, serving: Told, timing: Timing = _TIMING) -> None:
    """Run these children until a signal. The home must be locked.

    Raises:
        MeshFailed: a child can't be started; nothing is left running.
    """
    try:
        asyncio.run(Supervisor(spec, home, timing, serving).run())
    finally:
        home.forget()


def end_orphans(home: Home, grace_seconds: float = ORPHAN_GRACE_SECONDS) -> list[str]:
    """End what a supervisor that was killed has left running, and forget its state; the names of what was ended.

    The home must be locked: then no supervisor lives.

    Raises:
        MeshFailed: a process can't be ended.
    """
    state = home.load()
    left = {child.name: find(child.pid, child.created) for child in state.children} if state else {}
    orphans = {name: process for name, process in left.items() if process is not None}
    if stubborn := end_all(orphans.values(), grace_seconds):
        raise MeshFailed(f"processes {stubborn} of an earlier mesh in {home.path} can't be ended")
    home.forget()
    return list(orphans)


def heard_signals() -> list[signal.Signals]:
    """The signals that end a mesh, without those that whoever started it has had ignored (nohup)."""
    return [number for number in _STOP_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]


def _ranks(children: Iterable[Child], rank_of: Callable[[ChildSpec], int]) -> list[list[Child]]:
    """The children by rank, the lowest first."""
    ordered = sorted(children, key=lambda child: rank_of(child.spec))
    return [list(group) for _, group in groupby(ordered, key=lambda child: rank_of(child.spec))]


async def _together(work: Iterable[Coroutine[None, None, object]]) -> None:
    """Do all at once. The first error cancels the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in work:
                group.create_task(part)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


def main(arguments: Sequence[str] | None = None) -> int:
    """The detached supervisor: one line on stdout when the mesh serves, or why it can't; then silence."""
    parser = argparse.ArgumentParser(prog="python -m modalmesh.local.supervisor", description=main.__doc__)
    parser.add_argument("--home", type=Path, required=True, help="the mesh's folder")
    parser.add_argument("--port", type=int, default=0, help="the gateway's port; 0 takes a free one")
    parser.add_argument("--bundle", type=Path, help="the trained bundle that ranks")
    parser.add_argument("--without-ranker", action="store_true", help="start no fusion-ranker")
    options = parser.parse_args(arguments)
    redis_url = os.environ.get(REDIS_URL, "")
    ranking = Ranking(options.bundle, wanted=not options.without_ranker)
    return told_by_line(lambda serving: supervise(Home.of(options.home), options.port, redis_url, ranking, serving))


def told_by_line(work: Callable[[Told], None]) -> int:
    """Do a supervisor's work for a starter who reads one line of JSON, `{"state": ...}` or `{"error": ...}`; exit code.

    If nobody reads it any more, whoever wanted the mesh is gone, and it ends.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        work(lambda state: _tell({"state": state.to_json()}))
    except MeshFailed as error:
        logger.error("%s", error.message)
        _tell({"error": {"reason": error.reason, "message": error.message}})
        return 1
    except BrokenPipeError:
        logger.error("whoever started the mesh is gone: stopped")
        return 1
    return 0


def _tell(document: dict[str, Any]) -> None:
    os.write(sys.stdout.fileno(), json.dumps(document).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
