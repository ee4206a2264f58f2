"""Starts all sides of one kind and lets them take turns."""

import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from benchmarks.benchmark import NotComparable, Tell
from benchmarks.encode import padding
from benchmarks.encode.client import Client
from benchmarks.encode.deal import Deal
from benchmarks.encode.floor import Floor
from benchmarks.encode.load import Answers, Inputs, goodput
from benchmarks.encode.peers import Peer, PeerFailed, SentenceTransformers
from benchmarks.encode.results import Contender, Kind, Measured, Overload, Run, percentile
from benchmarks.encode.servers import Server
from benchmarks.encode.transports import Target
from benchmarks.machine import Meter
from benchmarks.rounds import interleave
from benchmarks.servers import CannotStart
from modalmesh.embeddings import FloatMatrix
from modalmesh.local.processes import HOST, free_ports

CALLERS = 64
_OVERLOAD = 2.0
_DEADLINE_P99S = 2.0
# An open loop lasts for so many deadlines: during the first nothing can be late yet.
_LEAST_DEADLINES = 4
# Of a side's vectors to the floor's. Below it is another model, or another preprocessing; each precision is above.
_LEAST_COSINE = 0.98
_COMPARED = 8
_ECHOES = 2048
_TRIED = 384
# Peers get this part of a round's inputs, which are in no order, or they would take most of the time.
_PEER_PART = 4
_LEAST_PEER = 2 * CALLERS


@dataclass(frozen=True, slots=True)
class Plan:
    """How much: `lone` inputs one after the other, an open loop of `overload_seconds`."""

    rounds: int
    lone: int
    overload_seconds: float


@dataclass(slots=True)
class _Side:
    contender: Contender
    measure: Callable[[Inputs], Run]


class Measuring:
    """One kind's servers and floors, until the stack ends."""

    def __init__(self, kind: Kind, deal: Deal[str] | Deal[bytes], plan: Plan, stack: ExitStack, tell: Tell) -> None:
        """Raises:
        NotComparable, CannotStart: a service gives other vectors than the floor, or doesn't start.
        """
        self._kind: Kind = kind
        self._deal = deal
        self._plan = plan
        self._stack = stack
        self._tell = tell
        self._sample: Inputs = deal.next()
        self._client = stack.enter_context(Client())
        self._floor = stack.enter_context(Floor(kind, "", self._sample[:_TRIED], tell))
        self._torch_floor = stack.enter_context(Floor(kind, "torch", self._sample[:_TRIED], tell))
        self._reference = self._floor.vectors(self._sample[:_COMPARED])
        self._metrics_port = free_ports(1)[0]
        self._service = self._start_own("--metrics-port", str(self._metrics_port))
        self._torch_service = self._start_own("--backend", "torch")
        self._measured = Measured(
            kind,
            [Contender("floor", self._floor.build), Contender("torch floor", self._torch_floor.build)],
            self._join(Contender("service", self._floor.build), self._service),
            self._join(Contender("torch service", self._torch_floor.build), self._torch_service),
        )

    def run(self, peers: Sequence[Peer], baseline: SentenceTransformers | None) -> Measured:
        """Measure all sides by turns; all sides of a round get the same inputs."""
        measured = self._measured
        measured.echo_rate = self._echo()
        sides = [
            _Side(measured.floors[0], self._run_floor),
            _Side(measured.floors[1], self._torch_floor.run),
            _Side(measured.service, self._run_service),
            _Side(measured.torch_service, partial(self._answer, self._torch_service)),
            *[side for peer in peers if (side := self._start_peer(peer))],
        ]
        if baseline:
            measured.sentence_transformers = Contender("sentence-transformers", baseline.build)
            sides.append(_Side(measured.sentence_transformers, baseline.run))
        sets = [self._deal.next() for _ in range(self._plan.rounds)]
        turns = {side.contender.name: partial(self._take_turn, side, sets) for side in sides}
        interleave(turns, self._plan.rounds, self._tell)
        measured.repeated = self._deal.repeated
        return measured

    def _take_turn(self, side: _Side, sets: Sequence[Inputs]) -> float:
        if side.contender.problem:
            return 0.0
        try:
            run = side.measure(sets[len(side.contender.runs)])
        except (ExceptionGroup, OSError, PeerFailed) as error:
            if side.contender not in self._measured.peers:
                raise
            side.contender.problem = _reason(error)
            return 0.0
        side.contender.runs.append(run)
        return run.seconds

    def _run_floor(self, inputs: Inputs) -> Run:
        self._measured.floor_lone_ms += [1000 * seconds for seconds in self._floor.lone(inputs[: self._plan.lone])]
        return self._floor.run(inputs)

    def _run_service(self, inputs: Inputs) -> Run:
        measured, plan, target = self._measured, self._plan, self._service.target
        run = self._answer_and_count(inputs)
        whole, lone = self._deal.next(), inputs[: plan.lone]
        measured.batch.append(self._load(self._service, lambda: self._client.one_call(target, whole)))
        alone = self._load(self._service, lambda: self._client.closed_loop(target, lone, 1))
        measured.lone_ms += [1000 * seconds for seconds in alone.latencies]
        measured.overloads.append(self._overload(run))
        return run

    def _answer_and_count(self, inputs: Inputs) -> Run:
        """The service's answers to many callers, and how much it padded for them."""
        if self._kind == "image":
            return self._answer(self._service, inputs)
        url = f"http://{HOST}:{self._metrics_port}/metrics"
        with self._service.awake():
            before = padding.read(url)
        run = self._answer(self._service, inputs)
        with self._service.awake():
            ratio = padding.ratio(before, padding.read(url))
        if ratio is not None:
            self._measured.paddings.append(ratio)
        return run

    def _overload(self, at_capacity: Run) -> Overload:
        """Twice what was answered a moment ago."""
        deadline = _DEADLINE_P99S * at_capacity.latency_ms(0.99) / 1000
        seconds = max(self._plan.overload_seconds, _LEAST_DEADLINES * deadline)
        inputs, target, rate = self._deal.everything, self._service.target, _OVERLOAD * at_capacity.rate
        with self._service.awake():
            meter = Meter({**self._service.pids, "client": self._client.pid})
            arrivals = self._client.open_loop(target, inputs, rate, seconds, deadline)
            used = meter.read()
        ends = {end: sum(1 for one in arrivals if one.end == end) for end in ("answered", "refused", "late", "failed")}
        refusals = [1000 * one.latency for one in arrivals if one.end == "refused"]
        return Overload(
            at_capacity.rate,
            1000 * deadline,
            goodput(arrivals, seconds, deadline),
            ends,
            percentile(refusals, 0.99) if refusals else None,
            used.other_cores,
        )

    def _answer(self, server: Server, inputs: Inputs) -> Run:
        return self._load(server, lambda: self._client.closed_loop(server.target, inputs, CALLERS))

    def _load(self, server: Server, load: Callable[[], Answers]) -> Run:
        with server.awake():
            meter = Meter({**server.pids, "client": self._client.pid})
            answers = load()
            used = meter.read()
        return Run(answers.inputs, answers.seconds, used, used.cpu_seconds["client"], answers.latencies, answers.rate)

    def _echo(self) -> float:
        """Calls a second that the client can do."""
        target = Target(self._kind, HOST, free_ports(1)[0])
        command = [sys.executable, "-m", "benchmarks.encode.echo", str(target.port)]
        with Server(command, target, self._client, self._sample[:1]) as server:
            inputs = [self._sample[place % len(self._sample)] for place in range(_ECHOES)]
            self._answer(server, inputs[:CALLERS])
            return self._answer(server, inputs).rate

    def _start_own(self, *flags: str) -> Server:
        target = Target(self._kind, HOST, free_ports(1)[0])
        module = f"modalmesh_services.{self._kind}_encoder"
        command = [sys.executable, "-P", "-m", module, "--host", HOST, "--port", str(target.port), *flags]
        return self._stack.enter_context(Server(command, target, self._client, self._sample[:1]))

    def _start_peer(self, peer: Peer) -> _Side | None:
        """None if it can't be measured, which the report tells."""
        self._tell(f"starting {peer.name}")
        contender = Contender(peer.name, peer.build)
        self._measured.peers.append(contender)
        target = Target(peer.speaks, HOST, free_ports(1)[0], peer.path)
        try:
            command = peer.command(target.port)
            server = self._stack.enter_context(Server(command, target, self._client, self._sample[:1], peer.variables))
            self._join(contender, server)
        except (CannotStart, NotComparable, PeerFailed, OSError, ExceptionGroup) as error:
            contender.problem = _reason(error)
            self._tell(f"{peer.name} can't be measured: {contender.problem}")
            return None
        return _Side(
            contender, lambda inputs: self._answer(server, inputs[: max(len(inputs) // _PEER_PART, _LEAST_PEER)])
        )

    def _join(self, contender: Contender, server: Server) -> Contender:
        """Warm the server up, and see that it runs the same model; then pause it.

        Raises:
            NotComparable: it doesn't.
        """
        self._client.closed_loop(server.target, self._sample, CALLERS)
        vectors = self._client.vectors(server.target, self._sample[:_COMPARED])
        contender.cosine = _least_cosine(vectors, self._reference)
        server.signal(signal.SIGSTOP)
        if contender.cosine < _LEAST_COSINE:
            raise NotComparable(f"{contender.name}: its vectors have a cosine of {contender.cosine:.3f} to the floor's")
        return contender


def _reason(error: Exception) -> str:
    """The first of a group, which has one an abandoned caller."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        return "it lost calls: they were not answered within 30 s"
    return str(error) or repr(error)


def _least_cosine(some: FloatMatrix, others: FloatMatrix) -> float:
    """Of two matrices' rows, pairwise; the rows have length 1."""
    if some.shape != others.shape:
        return 0.0
    return float((some * others).sum(axis=1).min())
