"""Runs as a benchmark would have measured them."""

from collections.abc import Sequence

from benchmarks.ingest.report import IngestReport
from benchmarks.ingest.results import FloorRun, MeshRun, Model
from benchmarks.machine import Machine

MACHINE = Machine(cpus=2, model="some", memory_gib=8.0, python="3.11", torch="2", load=0.0)
TEXT, IMAGE = Model("t1", "torch/cpu/bf16"), Model("i1", "torch/cpu/bf16")


def floor_run(seconds: float) -> FloorRun:
    return FloorRun(seconds, cpu_seconds=2 * seconds, items=100, texts=250, images=60)


def mesh_run(seconds: float, *, texts: int = 250, text: Model = TEXT) -> MeshRun:
    """Its events take a second; its image-encoder two thirds of the time on both cores."""
    spent = {"text-encoder": seconds * 0.5, "image-encoder": seconds * 1.5, "client": 0.0}
    return MeshRun(seconds, seconds + 1, spent, 100, 9, texts, 60, text, IMAGE)


def report(floor: Sequence[float], mesh: Sequence[MeshRun]) -> IngestReport:
    return IngestReport(MACHINE, "films", TEXT, IMAGE, [floor_run(seconds) for seconds in floor], mesh)
