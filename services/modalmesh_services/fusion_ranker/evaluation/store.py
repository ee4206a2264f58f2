"""What has been measured, kept on disk, so that an evaluation resumes."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from modalmesh_services.fusion_ranker.dataset import Catalogue, History
from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation.measuring import Measured
from modalmesh_services.fusion_ranker.systems.interface import System, Training

FORMAT = 2
"""Raised when protocols or figures come to mean something else."""

_FIGURE = "figure "
_ARRAYS = ("pair_users", "pair_scores", "pair_liked", "pair_probabilities", "lists")


@dataclass(frozen=True, slots=True)
class Timed:
    """A measurement, and how long fitting and scoring took."""

    measured: Measured
    seconds: float


def fingerprint(dataset: Dataset) -> str:
    """32 hex digits of all that systems can learn from."""
    return _digest(_of_catalogue(dataset.catalogue), *_of_histories(dataset.interactions.histories))


def training_key(training: Training) -> str:
    """The same of a split's training: what has the same key is fitted once."""
    said = np.array([training.has_order])
    return _digest(_of_catalogue(training.catalogue), said, training.trainable, *_of_histories(training.histories))


@lru_cache(maxsize=4)
def _of_catalogue(catalogue: Catalogue) -> str:
    values = catalogue.attributes.values
    arrays = [catalogue.times_ms, values.indptr, values.indices, values.data, *catalogue.attributes.quantities.values()]
    for tokens in (catalogue.text, catalogue.image):
        arrays += [tokens.vectors, tokens.items, tokens.kinds]
    return _digest(repr((catalogue.item_ids, catalogue.attributes.vocabulary)), *arrays)


def _of_histories(histories: Sequence[History]) -> Iterator[str | npt.NDArray[np.generic]]:
    for history in histories:
        yield from (history.user_id, history.items, history.times_ms, history.ratings, history.positive)


def _digest(*parts: str | npt.NDArray[np.generic]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(part.encode())
        else:
            digest.update(str((part.dtype, part.shape)).encode() + np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:32]


def key(data: str, protocol: str, split: str, system: System) -> str:
    """What a measurement depends on, as a file's name."""
    parts = [FORMAT, data, protocol, split, system.name, system.version, dict(system.configuration)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of measurements by key."""

    folder: Path

    def get(self, name: str) -> Timed | None:
        """None where nothing is kept, or it can't be read: it is measured again then."""
        try:
            # Opened here: numpy leaves a torn file open.
            with (self.folder / f"{name}.npz").open("rb") as file, np.load(file, allow_pickle=False) as kept:
                figures = {
                    field.removeprefix(_FIGURE): kept[field] for field in kept.files if field.startswith(_FIGURE)
                }
                arrays = {field: kept[field] for field in _ARRAYS}
                users, ranked = tuple(kept["user_ids"].tolist()), int(kept["ranked"])
                measured = Measured(user_ids=users, figures=figures, ranked=ranked, **arrays)
                return Timed(measured, float(kept["seconds"]))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return None

    def put(self, name: str, timed: Timed) -> None:
        """Written whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        measured, unfinished = timed.measured, self.folder / f"{name}.{os.getpid()}.part"
        with unfinished.open("wb") as file:
            np.savez(
                file,
                user_ids=np.array(measured.user_ids),
                ranked=np.int64(measured.ranked),
                **{field: getattr(measured, field) for field in _ARRAYS},
                seconds=np.float64(timed.seconds),
                **{_FIGURE + figure: values for figure, values in measured.figures.items()},  # type: ignore[arg-type]
            )
        unfinished.replace(self.folder / f"{name}.npz")
