"""The run: for each method the sides take turns, each asleep while another is measured."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np

from benchmarks.benchmark import Tell
from benchmarks.environment import TUNED, environment
from benchmarks.machine import Meter, machine
from benchmarks.observability import collector
from benchmarks.observability.client import Client
from benchmarks.observability.report import ObservabilityReport, Turns
from benchmarks.observability.sides import METHODS, SERVICE, SIDES
from benchmarks.rank import inputs
from benchmarks.rounds import interleave
from benchmarks.servers import ServerProcess
from modalmesh.local.processes import HOST, free_ports
from modalmesh_services.fusion_ranker.models.zero_shot import ZeroShotConfig, ZeroShotRanker

_ITEMS = 10_000
# Rank takes milliseconds of its server, GetModel a fraction of one.
_SHARES = {"GetModel": 1.0, "Rank": 0.1}


@dataclass(frozen=True, slots=True)
class _Side:
    name: str
    address: str
    process: ServerProcess


def measure(rounds: int, calls: int, callers: int, tell: Tell) -> ObservabilityReport:
    where = machine()
    requests = {"GetModel": b"", "Rank": _rank_request()}
    methods: dict[str, Turns] = {}
    with environment(TUNED), Client() as client, _servers(client) as sides:
        for method in METHODS:
            turns = methods[method] = Turns(max(callers, int(calls * _SHARES[method])))
            contenders = {side.name: _turn(side, method, requests[method], turns, client, callers) for side in sides}
            interleave(contenders, rounds, tell)
    return ObservabilityReport(where, callers, methods)


def _turn(side: _Side, method: str, request: bytes, turns: Turns, client: Client, callers: int) -> Callable[[], float]:
    def take() -> float:
        with side.process.awake():
            meter = Meter({"client": client.pid, **side.process.pids})
            seconds = client.seconds(side.address, f"/{SERVICE}/{method}", request, turns.calls, callers)
            reading = meter.read()
        server_seconds = reading.total_cpu_seconds - reading.cpu_seconds["client"]
        turns.add(side.name, seconds, server_seconds, reading.other_cores)
        return seconds

    return take


@contextmanager
def _servers(client: Client) -> Iterator[Sequence[_Side]]:
    """One a side, and a collector for their traces."""
    collector_port, *ports = free_ports(1 + len(SIDES))
    traces = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{HOST}:{collector_port}"}
    with ExitStack() as stack:

        def start(module: str, arguments: Sequence[str], address: str, method: str) -> ServerProcess:
            command = [sys.executable, "-m", f"benchmarks.observability.{module}", *arguments]
            process = ServerProcess(command, lambda: client.answers(address, method), traces)
            return stack.enter_context(process)

        export = f"/{collector.SERVICE}/{collector.METHOD}"
        start("collector", [str(collector_port)], f"{HOST}:{collector_port}", export)
        sides = []
        for name, port in zip(SIDES, ports, strict=True):
            address = f"{HOST}:{port}"
            process = start("server", [name, str(port)], address, f"/{SERVICE}/GetModel")
            sides.append(_Side(name, address, process))
        yield sides


def _rank_request() -> bytes:
    """500 candidates and a history of 50, as the rank benchmark has them."""
    chance = np.random.default_rng(0)
    histories = inputs.drawn([f"item-{row}" for row in range(_ITEMS)], 1, chance)
    description = ZeroShotRanker(ZeroShotConfig()).description
    (request,) = inputs.requests(histories, description, 1, chance)
    return request.SerializeToString()
