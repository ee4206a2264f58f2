"""What the rank benchmark found."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

import numpy as np
from rich.console import RenderableType
from rich.table import Table

from benchmarks.machine import Machine

SERVICE, FORWARD, HOP = "service", "forward", "hop"


@dataclass(slots=True)
class Turns:
    """Of one ranker: seconds of each call by contender and round; `other_cores`: how many others kept busy."""

    request_bytes: int
    answer_bytes: int
    seconds: dict[str, list[Sequence[float]]] = field(default_factory=lambda: {SERVICE: [], FORWARD: [], HOP: []})
    other_cores: float = 0.0

    def add(self, name: str, seconds: Sequence[float]) -> None:
        self.seconds[name].append(seconds)

    @property
    def ratios(self) -> list[float]:
        """By round: the service's p50 over those of the forward and of the hop together."""
        rounds = zip(*(map(median, self.seconds[name]) for name in (SERVICE, FORWARD, HOP)), strict=True)
        return [service / (forward + hop) for service, forward, hop in rounds]

    @property
    def ratio(self) -> float:
        return median(self.ratios)

    def milliseconds(self, name: str, share: float) -> float:
        """A quantile of the calls of all rounds."""
        return 1000 * float(np.quantile(np.concatenate(self.seconds[name]), share))


@dataclass(frozen=True, slots=True)
class RankReport:
    """`rankers` by name: zero-shot, and the trained one if there is one."""

    machine: Machine
    data: str
    rankers: Mapping[str, Turns]

    @property
    def ratio(self) -> float:
        """The worst of the rankers'."""
        return max(turns.ratio for turns in self.rankers.values())

    @property
    def is_disturbed(self) -> bool:
        return self.machine.is_disturbed(turns.other_cores for turns in self.rankers.values())

    def document(self) -> dict[str, Any]:
        return {
            "benchmark": "rank",
            "machine": asdict(self.machine),
            "data": self.data,
            "ratio": round(self.ratio, 3),
            "disturbed": self.is_disturbed,
            "rankers": {name: _figures(turns) for name, turns in self.rankers.items()},
        }

    def view(self) -> RenderableType:
        table = Table(
            title=f"Rank of 500 candidates for a history of 50 ({self.data}), milliseconds",
            caption="Others used the cores meanwhile." if self.is_disturbed else None,
        )
        for heading in ("", "", "p50", "p99", "ratio"):
            table.add_column(heading, justify="right" if heading else "left")
        for name, turns in self.rankers.items():
            for contender in turns.seconds:
                p50, p99 = (turns.milliseconds(contender, share) for share in (0.5, 0.99))
                ratio = f"{turns.ratio:.2f}" if contender == SERVICE else ""
                table.add_row(name if ratio else "", contender, f"{p50:.2f}", f"{p99:.2f}", ratio)
        return table


def _figures(turns: Turns) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "ratio": round(turns.ratio, 3),
        "ratios": [round(each, 3) for each in turns.ratios],
        "request_bytes": turns.request_bytes,
        "answer_bytes": turns.answer_bytes,
        "other_cores": round(turns.other_cores, 2),
    }
    for name in turns.seconds:
        figures[f"{name}_p50_ms"] = round(turns.milliseconds(name, 0.5), 3)
        figures[f"{name}_p99_ms"] = round(turns.milliseconds(name, 0.99), 3)
    return figures
