"""What the GPU benchmark found."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import RenderableType
from rich.table import Table

from benchmarks.machine import Machine

if TYPE_CHECKING:
    from benchmarks.gpu.calling import Load
    from benchmarks.gpu.watching import Gpu, Watched


@dataclass(frozen=True, slots=True)
class Figures:
    """One service. `memory_mib` is what it took of the GPU's memory once it was warm; `watched` is the GPU's, where the
    service was alone on it; both are None on a CPU.
    """

    name: str
    build: str
    callers: int
    load: "Load"
    memory_mib: int | None
    watched: "Watched | None"

    @property
    def rate(self) -> float:
        """Calls answered a second, of one text, picture or ranking each."""
        return len(self.load.latencies) / self.load.seconds

    def milliseconds(self, share: float) -> float:
        return 1000 * float(np.quantile(self.load.latencies, share)) if self.load.latencies else float("nan")


@dataclass(frozen=True, slots=True)
class Sharing:
    """All services at once on one GPU."""

    parts: Sequence[Figures]
    watched: "Watched | None"


@dataclass(frozen=True, slots=True)
class GpuReport:
    """`gpu` is None where it was measured on a CPU, to see that it runs."""

    machine: Machine
    gpu: "Gpu | None"
    device: str
    ranker: str
    alone: Sequence[Figures]
    sharing: Sharing

    def document(self) -> dict[str, Any]:
        return {
            "benchmark": "gpu",
            "machine": asdict(self.machine),
            "gpu": None if self.gpu is None else asdict(self.gpu),
            "device": self.device,
            "ranker": self.ranker,
            "alone": {figures.name: _document(figures) for figures in self.alone},
            "sharing": {
                **{
                    together.name: {**_document(together), "of_alone": _ratio(together, alone)}
                    for together, alone in zip(self.sharing.parts, self.alone, strict=True)
                },
                "busy_share": _busy(self.sharing.watched),
                "gpu_memory_mib": self.sharing.watched.memory_mib if self.sharing.watched else None,
            },
        }

    def view(self) -> RenderableType:
        name = self.gpu.name if self.gpu else "no GPU"
        table = Table(title=f"{name}, {self.device}, ranker {self.ranker}")
        for heading in ("", "build", "calls/s", "p50 ms", "p99 ms", "busy", "MiB"):
            table.add_column(heading, justify="left" if heading in ("", "build") else "right")
        for figures in self.alone:
            table.add_row(*_row(f"{figures.name} alone", figures, figures.watched))
        for place, figures in enumerate(self.sharing.parts):
            table.add_row(*_row(f"{figures.name} of all", figures, None if place else self.sharing.watched))
        return table


def _document(figures: Figures) -> dict[str, Any]:
    return {
        "build": figures.build,
        "callers": figures.callers,
        "calls_per_second": round(figures.rate, 1),
        "p50_ms": round(figures.milliseconds(0.5), 2),
        "p99_ms": round(figures.milliseconds(0.99), 2),
        "refused": figures.load.refused,
        "memory_mib": figures.memory_mib,
        "busy_share": _busy(figures.watched),
    }


def _ratio(together: Figures, alone: Figures) -> float:
    return round(together.rate / alone.rate, 3) if alone.rate else 0.0


def _busy(watched: "Watched | None") -> float | None:
    return None if watched is None else round(watched.busy_share, 3)


def _row(name: str, figures: Figures, watched: "Watched | None") -> list[str]:
    busy = "" if watched is None else f"{watched.busy_share:.0%}"
    memory = "" if figures.memory_mib is None else str(figures.memory_mib)
    latencies = [f"{figures.milliseconds(share):.1f}" for share in (0.5, 0.99)]
    return [name, figures.build, f"{figures.rate:.1f}", *latencies, busy, memory]
