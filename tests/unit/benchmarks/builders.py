"""Runs as a benchmark would have measured them."""

from collections.abc import Sequence

from benchmarks.ingest.report import IngestReport
from benchmarks.ingest.results import FloorRun, MeshRun, Model
from benchmarks.machine import Machine, Reading

MACHINE = Machine(cpus=2, model="some", memory_gib=8.0, python="3.11", torch="2", load=0.0)
TEXT, IMAGE = Model("t1", "torch/cpu/bf16"), Model("i1", "torch/cpu/bf16")


def floor_run(seconds: float, other_cores: float = 0.0) -> FloorRun:
    used = Reading(seconds, {"reader": 0.0, "worker": 2 * seconds}, other_cores * seconds)
    return FloorRun(used, items=100, texts=250, images=60)


def mesh_run(seconds: float, *, texts: int = 250, text: Model = TEXT) -> MeshRun:
    """Its events take a second; its image-encoder three quarters of the time on both cores."""
    spent = {"text-encoder": seconds * 0.5, "image-encoder": seconds * 1.5, "client": 0.0}
    return MeshRun(Reading(seconds, spent, 0.0), seconds + 1, 100, 9, texts, 60, text, IMAGE)


def report(floor: Sequence[float], mesh: Sequence[MeshRun], other_cores: float = 0.0) -> IngestReport:
    """`other_cores` are those that others kept busy while the floor ran."""
    return IngestReport(MACHINE, "films", TEXT, IMAGE, [floor_run(seconds, other_cores) for seconds in floor], mesh)
