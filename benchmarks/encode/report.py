"""What the encode benchmark found: medians of the rounds' ratios, and all that they were made from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from benchmarks.encode.results import Contender, Kind, Measured, Run
from benchmarks.machine import Machine


@dataclass(frozen=True, slots=True)
class EncodeReport:
    """By kind what was measured, and what it was measured with."""

    machine: Machine
    rounds: int
    inputs: Mapping[Kind, Mapping[str, Any]]
    measured: Sequence[Measured]

    def document(self) -> dict[str, Any]:
        return {
            "benchmark": "encode",
            "machine": asdict(self.machine),
            "rounds": self.rounds,
            "disturbed": any(is_disturbed(one, self.machine) for one in self.measured),
            **{one.kind: {**self._of(one), "inputs": self.inputs[one.kind]} for one in self.measured},
        }

    def _of(self, measured: Measured) -> dict[str, Any]:
        ratios = {name: _round(value) for name, value in keys(measured).items()}
        others = {name: [round(run.used.other_cores, 2) for run in runs] for name, runs in _all_runs(measured).items()}
        return {
            **ratios,
            "disturbed": is_disturbed(measured, self.machine),
            "other_cores": others,
            "builds": {"service": measured.service.build, "floor": measured.floor.build},
            "floor_side": measured.floor.name,
            "sides": [_side(side) for side in _sides(measured)],
            "batch_per_second": [_round(run.rate) for run in measured.batch],
            "lone_p50_ms": _round(median(measured.lone_ms)),
            "lone_in_process_p50_ms": _round(median(measured.floor_lone_ms)),
            "overloads": [asdict(one) for one in measured.overloads],
            "client_echo_per_second": _round(measured.echo_rate),
            "inputs_repeated": measured.repeated,
        }

    def view(self) -> RenderableType:
        parts: list[RenderableType] = []
        for one in self.measured:
            parts += [_ratios(one), _rates(one)]
            if is_disturbed(one, self.machine):
                parts.append("Others used the cores meanwhile: trust the time on a core.")
        return Group(*parts)


def keys(measured: Measured) -> dict[str, float | None]:
    """The figures that are claimed; None where a side is missing.

    Sides are compared within a round, minutes apart, and the median of the rounds' ratios is told: else a machine whose
    speed drifts from round to round would be measured itself.
    """
    service, floor, peer = measured.service.runs, measured.floor.runs, measured.best_peer
    torch_service, torch_floor = measured.torch_service.runs, measured.torch_floor.runs
    refusals = [one.refusal_p99_ms for one in measured.overloads if one.refusal_p99_ms is not None]
    return {
        "ratio": _paired(_rate, service, floor),
        "batch_ratio": _paired(_rate, measured.batch, floor),
        "best_peer_ratio": _paired(_rate, service, peer.runs) if peer else None,
        "same_backend_peer_ratio": _paired(_rate, torch_service, peer.runs) if peer else None,
        "best_peer_p99_ratio": _paired(lambda run: run.latency_ms(0.99), service, peer.runs) if peer else None,
        "lone_ratio": median(measured.lone_ms) / median(measured.floor_lone_ms),
        # Tokens computed over real ones at 64 callers; pictures are all of one size.
        "padding_ratio": median(measured.paddings) if measured.paddings else None,
        "goodput_2x": median(one.share for one in measured.overloads),
        "refusal_p99_ms": median(refusals) if refusals else None,
        # The same of time on a core, without the client's, in which what others do doesn't count.
        "cpu_ratio": _paired(_cpu_ms, floor, service),
        "batch_cpu_ratio": _paired(_cpu_ms, floor, measured.batch),
        "best_peer_cpu_ratio": _paired(_cpu_ms, peer.runs, service) if peer else None,
        "same_backend_peer_cpu_ratio": _paired(_cpu_ms, peer.runs, torch_service) if peer else None,
        "same_backend_ratio": _paired(_rate, torch_service, torch_floor),
        "same_backend_cpu_ratio": _paired(_cpu_ms, torch_floor, torch_service),
        "torch_floor_over_sentence_transformers": _paired(_rate, torch_floor, measured.sentence_transformers.runs)
        if measured.sentence_transformers and measured.sentence_transformers.runs
        else None,
    }


def _paired(figure: Callable[[Run], float], ours: Sequence[Run], theirs: Sequence[Run]) -> float:
    """The median of what one side's figure is over another's, round by round; a peer that gave up has fewer rounds."""
    return median(figure(one) / figure(other) for one, other in zip(ours, theirs, strict=False))


def _rate(run: Run) -> float:
    return run.rate


def _cpu_ms(run: Run) -> float:
    return run.cpu_ms


def is_disturbed(measured: Measured, machine: Machine) -> bool:
    return machine.is_disturbed(run.used.other_cores for runs in _all_runs(measured).values() for run in runs)


def _sides(measured: Measured) -> list[Contender]:
    extra = [measured.sentence_transformers] if measured.sentence_transformers else []
    return [*measured.floors, measured.service, measured.torch_service, *measured.peers, *extra]


def _all_runs(measured: Measured) -> dict[str, Sequence[Run]]:
    return {**{side.name: side.runs for side in _sides(measured)}, "one call": measured.batch}


def _side(side: Contender) -> dict[str, Any]:
    """A side's figures of every round, or why there are none."""
    found: dict[str, Any] = {"name": side.name, "build": side.build}
    if side.cosine is not None:
        found["cosine"] = round(side.cosine, 5)
    if side.problem:
        found["problem"] = side.problem
    if side.runs:
        found |= {
            "per_second": [_round(run.rate) for run in side.runs],
            "cpu_ms_each": [_round(run.cpu_ms) for run in side.runs],
        }
        if side.runs[0].latencies:
            found |= {
                "p50_ms": [_round(run.latency_ms(0.5)) for run in side.runs],
                "p99_ms": [_round(run.latency_ms(0.99)) for run in side.runs],
                "client_cpu_ms_each": [_round(1000 * run.client_cpu_seconds / run.inputs) for run in side.runs],
            }
    return found


def _ratios(measured: Measured) -> Table:
    table = Table(title=f"{measured.kind}: 64 callers of one each, and the rest")
    table.add_column()
    table.add_column("", justify="right")
    for name, value in keys(measured).items():
        table.add_row(name, "-" if value is None else f"{value:,.2f}")
    return table


def _rates(measured: Measured) -> Table:
    table = Table()
    table.add_column()
    table.add_column("")
    for heading in ("a second", "p50 ms", "p99 ms", "ms on a core each"):
        table.add_column(heading, justify="right")
    for side in _sides(measured):
        if not side.runs:
            table.add_row(side.name, side.problem)
            continue
        timed = bool(side.runs[0].latencies)
        waits = [f"{side.latency_ms(share):,.0f}" if timed else "" for share in (0.5, 0.99)]
        table.add_row(side.name, side.build, f"{side.rate:,.0f}", *waits, f"{side.cpu_ms:,.2f}")
    return table


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
