"""A round of the mesh: a home of its own, started, filled and stopped. Only the filling is measured."""

import os

from benchmarks.benchmark import NotComparable
from benchmarks.catalogue import fresh_mesh
from benchmarks.ingest.results import MeshRun, Model
from benchmarks.machine import Meter
from modalmesh.client import Client
from modalmesh.data_folder import ITEMS, DataFolder
from modalmesh.ingest import ingest
from modalmesh.local.mesh import MeshState
from modalmesh.types import ModelInfo


def run(folder: DataFolder) -> MeshRun:
    """Fill a fresh mesh, in which nothing is cached.

    Raises:
        MeshFailed: it doesn't start.
        NotComparable: it hasn't encoded all.
    """
    with fresh_mesh() as state:
        return _fill(state, folder)


def _fill(state: MeshState, folder: DataFolder) -> MeshRun:
    pids = {child.name: child.pid for child in state.children if child.pid} | {"client": os.getpid()}
    with Client(state.address) as client:
        watch = _Watch(Meter(pids))
        summary = ingest(client, folder, watch)
        models = {service.name: service.model for service in client.status().services}
    if summary.pending:
        raise NotComparable(f"{summary.pending} items went in without one of their modalities")
    return MeshRun(
        used=watch.items,
        seconds_with_events=summary.seconds,
        items=summary.items,
        events=summary.events,
        texts=summary.encoded_texts,
        images=summary.encoded_images,
        text=_model(models["text-encoder"]),
        image=_model(models["image-encoder"]),
    )


def _model(served: ModelInfo | None) -> Model:
    return Model(served.fingerprint, served.build) if served else Model("", "")


class _Watch:
    """Reads a meter whenever `ingest` tells of items; the last reading is of all of them."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.items = meter.read()

    def __call__(self, file: str, settled: int, total: int) -> None:
        """The shape of modalmesh.ingest.Progress."""
        if file == ITEMS:
            self.items = self._meter.read()
