"""What the crowd benchmark found."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from benchmarks.machine import Machine


@dataclass(frozen=True, slots=True)
class Scored:
    """With so many users: seconds on a core for a call, those without dense products, and seconds with the dense
    matrices on the device, None where that is the CPU.
    """

    users: int
    seconds: float
    without_dense: float
    on_device: float | None

    @property
    def dense_share(self) -> float:
        return max(0.0, 1 - self.without_dense / self.seconds)


@dataclass(frozen=True, slots=True)
class CrowdReport:
    machine: Machine
    items: int
    device: str
    crowds: Sequence[Scored]

    def document(self) -> dict[str, Any]:
        return {
            "benchmark": "crowd",
            "machine": asdict(self.machine),
            "items": self.items,
            "device": self.device,
            "crowds": [
                {
                    "users": each.users,
                    "cpu_ms": round(1000 * each.seconds, 2),
                    "dense_cpu_ms": round(1000 * (each.seconds - each.without_dense), 2),
                    "dense_share": round(each.dense_share, 3),
                    "on_device_ms": None if each.on_device is None else round(1000 * each.on_device, 2),
                }
                for each in self.crowds
            ],
        }

    def view(self) -> RenderableType:
        table = Table(title=f"the default's models, a history of 50 among {self.items:,} items, milliseconds")
        for heading in ("users", "on a core", "dense products", f"on {self.device}"):
            table.add_column(heading, justify="right")
        for each in self.document()["crowds"]:
            shown = (each["users"], each["cpu_ms"], each["dense_cpu_ms"], each["on_device_ms"])
            table.add_row(*("" if value is None else f"{value}" for value in shown))
        return table
