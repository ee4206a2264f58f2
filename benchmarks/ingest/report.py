"""What the ingest benchmark found: ratios of medians, and all that they were made from."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from benchmarks.benchmark import NotComparable
from benchmarks.ingest.floor import FloorRun
from benchmarks.ingest.mesh import MeshRun
from benchmarks.ingest.worker import Model
from benchmarks.machine import Machine


@dataclass(frozen=True, slots=True)
class IngestReport:
    """`ratio` is the floor's median time over the mesh's: 1 is as fast as in process, 0.5 takes twice as long."""

    machine: Machine
    data: str
    text: Model
    image: Model
    floor: Sequence[FloorRun]
    mesh: Sequence[MeshRun]

    def __post_init__(self) -> None:
        """Raises:
        NotComparable: a round of the mesh didn't do what the floor did.
        """
        first = self.floor[0]
        for run in self.mesh:
            _check("items", first.items, run.items)
            _check("texts", first.texts, run.texts)
            _check("images", first.images, run.images)
            _check("text model", self.text, run.text)
            _check("image model", self.image, run.image)

    @property
    def floor_seconds(self) -> float:
        return median(run.seconds for run in self.floor)

    @property
    def mesh_seconds(self) -> float:
        return median(run.seconds for run in self.mesh)

    @property
    def ratio(self) -> float:
        return self.floor_seconds / self.mesh_seconds

    @property
    def ratio_with_events(self) -> float:
        return self.floor_seconds / median(run.seconds_with_events for run in self.mesh)

    @property
    def floor_cpu_seconds(self) -> float:
        return median(run.cpu_seconds for run in self.floor)

    @property
    def mesh_cpu_seconds(self) -> dict[str, float]:
        """By process."""
        return {name: median(run.cpu_seconds[name] for run in self.mesh) for name in self.mesh[0].cpu_seconds}

    @property
    def cpu_ratio(self) -> float:
        """The same of time on a core, in which waiting, and what others do on the machine, doesn't count."""
        return self.floor_cpu_seconds / sum(self.mesh_cpu_seconds.values())

    def document(self) -> dict[str, Any]:
        first = self.mesh[0]
        return {
            "benchmark": "ingest",
            "machine": asdict(self.machine),
            "data": self.data,
            "items": first.items,
            "texts": first.texts,
            "images": first.images,
            "events": first.events,
            "builds": {"text": self.text.build, "image": self.image.build},
            "rounds": len(self.mesh),
            "floor_seconds": [round(run.seconds, 2) for run in self.floor],
            "mesh_seconds": [round(run.seconds, 2) for run in self.mesh],
            "mesh_seconds_with_events": [round(run.seconds_with_events, 2) for run in self.mesh],
            "ratio": round(self.ratio, 3),
            "ratio_with_events": round(self.ratio_with_events, 3),
            "items_per_second": round(first.items / self.mesh_seconds, 1),
            "floor_items_per_second": round(first.items / self.floor_seconds, 1),
            "cpu_ratio": round(self.cpu_ratio, 3),
            "floor_cpu_seconds": round(self.floor_cpu_seconds, 2),
            "mesh_cpu_seconds": {name: round(seconds, 2) for name, seconds in self.mesh_cpu_seconds.items()},
        }

    def view(self) -> RenderableType:
        return Group(self._figures(), self._split())

    def _figures(self) -> Table:
        first, cores = self.mesh[0], self.machine
        table = Table(
            title=f"{first.items:,} items of {self.data}: {first.texts:,} texts, {first.images:,} pictures and videos",
            caption=f"{cores.cpus} cores of {cores.model}; text {self.text.build}, image {self.image.build}",
        )
        for heading in ("", "seconds, median", "items/s", "ratio", "core seconds", "all rounds"):
            table.add_column(heading, justify="left" if heading in ("", "all rounds") else "right")
        with_events = [run.seconds_with_events for run in self.mesh]
        rows = (
            ("floor", [run.seconds for run in self.floor], "", f"{self.floor_cpu_seconds:.1f}"),
            (
                "mesh",
                [run.seconds for run in self.mesh],
                f"{self.ratio:.2f}",
                f"{sum(self.mesh_cpu_seconds.values()):.1f}",
            ),
            (f"mesh, {first.events:,} events too", with_events, f"{self.ratio_with_events:.2f}", ""),
        )
        for name, seconds, ratio, core_seconds in rows:
            middle = median(seconds)
            every = ", ".join(f"{each:.1f}" for each in seconds)
            table.add_row(name, f"{middle:.1f}", f"{first.items / middle:,.1f}", ratio, core_seconds, every)
        return table

    def _split(self) -> Table:
        table = Table(title="Where the mesh spends its time on the cores")
        table.add_column("process")
        table.add_column("seconds", justify="right")
        table.add_column("share", justify="right")
        total = sum(self.mesh_cpu_seconds.values())
        for name, seconds in sorted(self.mesh_cpu_seconds.items(), key=lambda each: -each[1]):
            table.add_row(name, f"{seconds:.1f}", f"{seconds / total:.1%}")
        return table


def _check(what: str, floor: object, mesh: object) -> None:
    if floor != mesh:
        raise NotComparable(f"{what}: the floor has {floor}, the mesh {mesh}")
