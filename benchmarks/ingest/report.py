"""What the ingest benchmark found: ratios of medians, and all that they were made from."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from benchmarks.benchmark import NotComparable
from benchmarks.ingest.results import FloorRun, MeshRun, Model
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
        return median(run.used.seconds for run in self.floor)

    @property
    def mesh_seconds(self) -> float:
        return median(run.used.seconds for run in self.mesh)

    @property
    def ratio(self) -> float:
        return self.floor_seconds / self.mesh_seconds

    @property
    def ratio_with_events(self) -> float:
        return self.floor_seconds / median(run.seconds_with_events for run in self.mesh)

    @property
    def floor_cpu_seconds(self) -> float:
        return median(run.used.total_cpu_seconds for run in self.floor)

    @property
    def mesh_cpu_seconds(self) -> dict[str, float]:
        """By process."""
        return {name: median(run.used.cpu_seconds[name] for run in self.mesh) for name in self.mesh[0].used.cpu_seconds}

    @property
    def cpu_ratio(self) -> float:
        """The same of time on a core, in which waiting, and what others do on the machine, doesn't count."""
        return self.floor_cpu_seconds / sum(self.mesh_cpu_seconds.values())

    @property
    def other_cores(self) -> dict[str, list[float]]:
        """How many cores other work on the machine kept busy, in each round of either side."""
        sides: dict[str, Sequence[FloorRun | MeshRun]] = {"floor": self.floor, "mesh": self.mesh}
        return {name: [run.used.other_cores for run in runs] for name, runs in sides.items()}

    @property
    def is_disturbed(self) -> bool:
        """Whether others took so much that `ratio` says more about them: of busy cores a side gets a share by the
        number of its threads. `cpu_ratio` is the better figure then.
        """
        return self.machine.is_disturbed(max(cores) for cores in self.other_cores.values())

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
            "floor_seconds": [round(run.used.seconds, 2) for run in self.floor],
            "mesh_seconds": [round(run.used.seconds, 2) for run in self.mesh],
            "mesh_seconds_with_events": [round(run.seconds_with_events, 2) for run in self.mesh],
            "ratio": round(self.ratio, 3),
            "ratio_with_events": round(self.ratio_with_events, 3),
            "items_per_second": round(first.items / self.mesh_seconds, 1),
            "floor_items_per_second": round(first.items / self.floor_seconds, 1),
            "disturbed": self.is_disturbed,
            "other_cores": {name: [round(each, 2) for each in cores] for name, cores in self.other_cores.items()},
            "cpu_ratio": round(self.cpu_ratio, 3),
            "floor_cpu_seconds": round(self.floor_cpu_seconds, 2),
            "mesh_cpu_seconds": {name: round(seconds, 2) for name, seconds in self.mesh_cpu_seconds.items()},
        }

    def view(self) -> RenderableType:
        warning = "Others used the cores meanwhile: trust only the seconds on a core." if self.is_disturbed else ""
        return Group(self._times(), self._split(), warning)

    def _times(self) -> Table:
        first = self.mesh[0]
        table = Table(
            title=f"{first.items:,} items of {self.data}: {first.texts:,} texts, {first.images:,} pictures and videos",
            caption=f"{self.machine.cpus} cores of {self.machine.model}, {self.text.build}, {self.image.build}",
        )
        table.add_column()
        for heading in ("items/s", "ratio", "seconds: median", "of all rounds"):
            table.add_column(heading, justify="right")
        rows = {
            "floor": (1.0, [run.used.seconds for run in self.floor]),
            "mesh": (self.ratio, [run.used.seconds for run in self.mesh]),
            f"mesh, {first.events:,} events too": (
                self.ratio_with_events,
                [run.seconds_with_events for run in self.mesh],
            ),
        }
        for name, (ratio, seconds) in rows.items():
            middle, every = median(seconds), ", ".join(f"{each:.1f}" for each in seconds)
            table.add_row(name, f"{first.items / middle:,.1f}", f"{ratio:.2f}", f"{middle:.1f}", every)
        return table

    def _split(self) -> Table:
        """What the mesh's processes spend, beside all that the floor needs."""
        table = Table(title="Seconds on a core, without events")
        table.add_column()
        table.add_column("seconds", justify="right")
        table.add_column("of the mesh", justify="right")
        spent = self.mesh_cpu_seconds
        total = sum(spent.values())
        table.add_row(f"floor ({self.cpu_ratio:.2f} of the mesh)", f"{self.floor_cpu_seconds:.1f}", "")
        table.add_row("mesh", f"{total:.1f}", "")
        for name in sorted(spent, key=lambda each: -spent[each]):
            table.add_row(f"  {name}", f"{spent[name]:.1f}", f"{spent[name] / total:.1%}")
        return table


def _check(what: str, floor: object, mesh: object) -> None:
    if floor != mesh:
        raise NotComparable(f"{what}: the floor has {floor}, the mesh {mesh}")
