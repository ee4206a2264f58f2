"""The servers that are called: the ranker service, and a raw hop."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.rank.client import Client
from benchmarks.servers import ServerProcess
from modalmesh.local.processes import HOST, free_ports


@dataclass(frozen=True, slots=True)
class Served:
    """Where a server is, its processes by name, and how many bytes it answers a sample with."""

    address: str
    pids: dict[str, int]
    answer_bytes: int


@contextmanager
def ranker(model: str, client: Client, sample: bytes) -> Iterator[Served]:
    (port,) = free_ports(1)
    module = ["modalmesh_services.fusion_ranker", "--port", str(port), "--model", model, "--log-level", "WARNING"]
    with _server(module, port, client, sample) as served:
        yield served


@contextmanager
def echo(size: int, client: Client, sample: bytes) -> Iterator[Served]:
    """One that answers so many bytes at once."""
    (port,) = free_ports(1)
    with _server(["benchmarks.rank.echo", str(port), str(size)], port, client, sample) as served:
        yield served


@contextmanager
def _server(module: Sequence[str], port: int, client: Client, sample: bytes) -> Iterator[Served]:
    address, answers = f"{HOST}:{port}", list[bytes]()

    def is_answered() -> bool:
        answer = client.answer(address, sample)
        answers.extend([] if answer is None else [answer])
        return answer is not None

    with ServerProcess([sys.executable, "-m", *module], is_answered) as process:
        yield Served(address, process.pids, len(answers[0]))
