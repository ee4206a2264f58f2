"""A server that is measured: a process that answers before it is handed out, and ends with its caller."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.environment import TUNED
from benchmarks.rank.client import Client
from modalmesh.errors import ModalmeshError
from modalmesh.local.processes import HOST, free_ports

_START_SECONDS = 180.0
_PAUSE_SECONDS = 0.2
_END_SECONDS = 15.0


class CannotStart(ModalmeshError):
    """A server didn't answer; the message ends with the last that it said."""

    reason = "CANNOT_START"


@contextmanager
def ranker(model: str, client: Client, sample: bytes) -> Iterator[tuple[str, int, int]]:
    """The service's address, its pid, and how many bytes it answers `sample` with."""
    (port,) = free_ports(1)
    module = ["modalmesh_services.fusion_ranker", "--port", str(port), "--model", model, "--log-level", "WARNING"]
    with _server(module, port, client, sample) as served:
        yield served


@contextmanager
def echo(size: int, client: Client, sample: bytes) -> Iterator[tuple[str, int, int]]:
    """As `ranker`: one that answers so many bytes at once."""
    (port,) = free_ports(1)
    with _server(["benchmarks.rank.echo", str(port), str(size)], port, client, sample) as served:
        yield served


@contextmanager
def _server(module: Sequence[str], port: int, client: Client, sample: bytes) -> Iterator[tuple[str, int, int]]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *module], stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **TUNED}
        )
        try:
            until, answer = time.monotonic() + _START_SECONDS, None
            while answer is None:
                if process.poll() is not None or time.monotonic() > until:
                    log.seek(0)
                    said = log.read().decode(errors="replace").strip().splitlines()[-4:]
                    raise CannotStart(f"{module[0]}: {' / '.join(said) or 'it said nothing'}")
                time.sleep(_PAUSE_SECONDS)
                answer = client.answer(f"{HOST}:{port}", sample)
            yield f"{HOST}:{port}", process.pid, len(answer)
        finally:
            process.terminate()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
