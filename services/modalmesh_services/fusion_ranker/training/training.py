"""Data with vectors -> a trained system -> a bundle that has been seen to load."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from modalmesh_services.fusion_ranker.bundle import Learned, write_bundle
from modalmesh_services.fusion_ranker.bundle.manifest import hash_of
from modalmesh_services.fusion_ranker.bundle.serving import load_bundle
from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation.store import fingerprint
from modalmesh_services.fusion_ranker.job.choosing import Chosen
from modalmesh_services.fusion_ranker.job.data import Prepared
from modalmesh_services.fusion_ranker.job.lines import Lines
from modalmesh_services.fusion_ranker.systems.interface import Step, Trained, Training, Watch, WatchedSystem
from modalmesh_services.fusion_ranker.training.curves import Curves
from modalmesh_services.fusion_ranker.training.page import page


@dataclass(frozen=True, slots=True)
class Outcome:
    """`data` counts items, users and events; `stages` has each stage's last loss and best validation."""

    revision: str
    data: Mapping[str, int]
    stages: Mapping[str, Any]
    consequences: tuple[str, ...]


def train(
    prepared: Prepared, chosen: Chosen, out: Path, lines: Lines, *, device: str = "auto", first: bool = True
) -> Outcome | None:
    """Learn on a device, and write the bundle to `out`, in place of one that is there.

    What an interrupted training leaves beside `out` is taken up where the system can do so, and removed at the end.
    Of several processes that learn together only the `first` writes and has an outcome.

    Raises:
        InvalidInput: the system can't learn from these data.
        OSError: the bundle can't be written.
    """
    dataset, system = prepared.dataset, chosen.system
    learned = Learned(chosen.base, system.version, dict(system.configuration), fingerprint(dataset))
    work = _Work.of(out, hash_of([asdict(learned), asdict(prepared.encoders)])[:32])
    curves = Curves(work.steps if first else None)
    if curves.steps:
        lines.note(f"An interrupted training goes on: {len(curves.steps):,} steps were made before.")

    def tell(step: Step) -> None:
        curves.add(step)
        lines.step(step)

    training = training_of(dataset)
    trained = (
        system.fit_watched(training, Watch(tell, work.of_system, device))
        if isinstance(system, WatchedSystem)
        else cast(Trained, system.fit(training))
    )
    if not first:
        return None
    data = counts(dataset)
    metrics = {
        "data": data,
        "consequences": list(dataset.consequences),
        "stages": curves.summary(),
        "steps": [asdict(step) for step in curves.steps],
    }
    report = page(learned, prepared.encoders, curves, data, dataset.consequences)
    revision = write_bundle(out, learned, prepared.encoders, trained.parts(), metrics, report)
    # What can't be served is found out by whoever trained it.
    load_bundle(out)
    work.remove()
    return Outcome(revision, data, curves.summary(), dataset.consequences)


def training_of(dataset: Dataset) -> Training:
    """All of the data. Where all times are equal, order means nothing."""
    histories = dataset.interactions.histories
    first = histories[0].times_ms[0]
    has_order = any((history.times_ms != first).any() for history in histories)
    return Training(histories, dataset.catalogue, np.ones(len(dataset.catalogue), np.bool_), has_order)


def counts(dataset: Dataset) -> dict[str, int]:
    catalogue, histories = dataset.catalogue, dataset.interactions.histories
    return {
        "items": len(catalogue),
        "items_with_text": int(catalogue.text.present().sum()),
        "items_with_picture": int(catalogue.image.present().sum()),
        "users": len(histories),
        "events": len(dataset.interactions),
        "positive_events": sum(int(history.positive.sum()) for history in histories),
    }


@dataclass(frozen=True, slots=True)
class _Work:
    """Where an unfinished training lies, by a name that any change of data or configuration changes."""

    root: Path
    key: str

    @classmethod
    def of(cls, out: Path, key: str) -> "_Work":
        place = out.resolve()
        work = cls(place.with_name(f".{place.name}.training"), key)
        work.of_system.mkdir(parents=True, exist_ok=True)
        return work

    @property
    def of_system(self) -> Path:
        return self.root / self.key / "system"

    @property
    def steps(self) -> Path:
        return self.root / self.key / "steps.jsonl"

    def remove(self) -> None:
        """Also what trainings of other data or configurations have left."""
        shutil.rmtree(self.root, ignore_errors=True)
