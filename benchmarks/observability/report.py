"""What the observability benchmark found."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from benchmarks.machine import Machine
from benchmarks.observability.sides import BARE, SIDES


@dataclass(slots=True)
class Turns:
    """Of one method, by side and round: seconds of so many calls, and of the server's time on a core."""

    calls: int
    seconds: dict[str, list[float]] = field(default_factory=lambda: {side: [] for side in SIDES})
    cpu_seconds: dict[str, list[float]] = field(default_factory=lambda: {side: [] for side in SIDES})
    other_cores: list[float] = field(default_factory=list)

    def add(self, side: str, seconds: float, cpu_seconds: float, other_cores: float) -> None:
        self.seconds[side].append(seconds)
        self.cpu_seconds[side].append(cpu_seconds)
        self.other_cores.append(other_cores)

    def rate(self, side: str) -> float:
        """Calls a second."""
        return self.calls / median(self.seconds[side])

    def cpu_microseconds(self, side: str) -> float:
        """Of a core, a call."""
        return 1e6 * median(self.cpu_seconds[side]) / self.calls

    def overhead(self, side: str) -> float:
        """The share of the bare server's calls a second that is lost: the median of the rounds' own."""
        return 1 - median(bare / seen for bare, seen in zip(self.seconds[BARE], self.seconds[side], strict=True))

    def cpu_overhead(self, side: str) -> float:
        """How much more of a core a call takes, likewise; others on the machine disturb it less."""
        pairs = zip(self.cpu_seconds[BARE], self.cpu_seconds[side], strict=True)
        return median(seen / bare for bare, seen in pairs) - 1


@dataclass(frozen=True, slots=True)
class ObservabilityReport:
    """`methods` by name."""

    machine: Machine
    callers: int
    methods: Mapping[str, Turns]

    @property
    def is_disturbed(self) -> bool:
        return self.machine.is_disturbed(cores for turns in self.methods.values() for cores in turns.other_cores)

    def document(self) -> dict[str, Any]:
        return {
            "benchmark": "observability",
            "machine": asdict(self.machine),
            "callers": self.callers,
            "disturbed": self.is_disturbed,
            "methods": {method: _figures(turns) for method, turns in self.methods.items()},
        }

    def view(self) -> RenderableType:
        table = Table(
            title=f"The same server with and without, {self.callers} calls at once",
            caption="Others used the cores meanwhile." if self.is_disturbed else None,
        )
        for heading in ("", "", "calls/s", "lost", "core us a call", "more"):
            table.add_column(heading, justify="right" if heading else "left")
        for method, turns in self.methods.items():
            for side in SIDES:
                cells = [f"{turns.rate(side):.0f}", "", f"{turns.cpu_microseconds(side):.0f}", ""]
                if side != BARE:
                    cells[1], cells[3] = f"{turns.overhead(side):.1%}", f"{turns.cpu_overhead(side):.1%}"
                table.add_row(method if side == BARE else "", side, *cells)
        return table


def _figures(turns: Turns) -> dict[str, Any]:
    return {
        "calls": turns.calls,
        "other_cores": round(max(turns.other_cores, default=0.0), 2),
        "sides": {side: _side(turns, side) for side in SIDES},
    }


def _side(turns: Turns, side: str) -> dict[str, Any]:
    return {
        "calls_per_second": round(turns.rate(side), 1),
        "overhead": round(turns.overhead(side), 4),
        "cpu_us_per_call": round(turns.cpu_microseconds(side), 1),
        "cpu_overhead": round(turns.cpu_overhead(side), 4),
        "rates": [round(turns.calls / seconds, 1) for seconds in turns.seconds[side]],
        "cpu_us": [round(1e6 * seconds / turns.calls, 1) for seconds in turns.cpu_seconds[side]],
    }
