"""Processes by pid and creation time, and free ports."""

import random
import signal
import socket
import time
from collections.abc import Iterable

import psutil

from modalmesh.local.failures import PortTaken

HOST = "127.0.0.1"
# Below the ranges from which Linux (32768) and macOS (49152) give ports to outgoing connections: nobody's connection
# takes a child's port while it is being restarted, and nobody who tries to reach it there connects to himself.
_PORTS = range(15_000, 32_000)
_PORT_TRIES = 200
# The kernel's clock ticks in hundredths, and a clock that is set moves all creation times a little.
_SAME_CREATION_SECONDS = 2.0
_PAUSE_SECONDS = 0.02


def created(pid: int) -> float:
    """When the process was created, in Unix seconds.

    Raises:
        psutil.NoSuchProcess: it is gone.
    """
    return psutil.Process(pid).create_time()


def find(pid: int | None, created_at: float | None) -> psutil.Process | None:
    """The process that was meant, while it lives; none if it ended, also if its pid is another's by now."""
    if pid is None or created_at is None:
        return None
    try:
        process = psutil.Process(pid)
        if abs(process.create_time() - created_at) > _SAME_CREATION_SECONDS:
            return None
        return process if lives(process) else None
    except psutil.NoSuchProcess:
        return None


def lives(process: psutil.Process) -> bool:
    """Whether it still runs. One that has ended but was not reaped by its parent does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_gone(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until all have ended, at most `seconds`; those that have not."""
    end = time.monotonic() + seconds
    left = [process for process in processes if lives(process)]
    while left and time.monotonic() < end:
        time.sleep(_PAUSE_SECONDS)
        left = [process for process in left if lives(process)]
    return left


def end_all(processes: Iterable[psutil.Process], grace_seconds: float, kill_seconds: float = 5.0) -> list[int]:
    """SIGTERM, and SIGKILL for those that live on after the grace; the pids of those that even that didn't end."""
    meant = list(processes)
    _signal(meant, signal.SIGTERM)
    stubborn = wait_gone(meant, grace_seconds)
    _signal(stubborn, signal.SIGKILL)
    return [process.pid for process in wait_gone(stubborn, kill_seconds)]


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def refusal(port: int) -> str:
    """Why nobody can listen on this port now; empty where one can."""
    with socket.socket() as probe:
        # As servers do: a port whose last connections are only closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error.strerror or str(error)
    return ""


def chosen_port(port: int) -> int:
    """`port` itself if it can be listened on, a free one for 0.

    Raises:
        PortTaken: it can't; says why.
    """
    if port == 0:
        return free_ports(1)[0]
    if why := refusal(port):
        raise PortTaken(f"the gateway can't listen on {HOST}:{port}: {why}. `--port 0` takes a free port")
    return port


def free_ports(count: int, besides: int = 0) -> list[int]:
    """Different ports on which nobody listens now, and none of them `besides`.

    Raises:
        PortTaken: hardly any port is free.
    """
    found: list[int] = []
    for port in random.SystemRandom().sample(_PORTS, _PORT_TRIES):
        if len(found) == count:
            break
        if port != besides and not refusal(port):
            found.append(port)
    if len(found) < count:
        raise PortTaken(f"no {count} free ports of {HOST} found between {_PORTS.start} and {_PORTS.stop}")
    return found
