"""What has been measured, kept on disk, so that an evaluation resumes."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation.measuring import Measured
from modalmesh_services.fusion_ranker.systems.interface import System

FORMAT = 1
"""Raised when protocols or figures come to mean something else."""

_FIGURE = "figure "


@dataclass(frozen=True, slots=True)
class Timed:
    """A measurement, and how long fitting and scoring took."""

    measured: Measured
    seconds: float


def fingerprint(dataset: Dataset) -> str:
    """32 hex digits of all that systems can learn from."""
    catalogue = dataset.catalogue
    digest = hashlib.sha256(repr((catalogue.item_ids, catalogue.attributes.vocabulary)).encode())
    values = catalogue.attributes.values
    arrays = [catalogue.times_ms, values.indptr, values.indices, values.data, *catalogue.attributes.quantities.values()]
    for tokens in (catalogue.text, catalogue.image):
        arrays += [tokens.vectors, tokens.items, tokens.kinds]
    for history in dataset.interactions.histories:
        digest.update(history.user_id.encode())
        arrays += [history.items, history.times_ms, history.ratings, history.positive]
    for array in arrays:
        digest.update(str((array.dtype, array.shape)).encode() + np.ascontiguousarray(array).tobytes())
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
                pairs = (kept[field] for field in ("pair_users", "pair_scores", "pair_liked"))
                users, scores, liked = pairs
                measured = Measured(
                    tuple(kept["user_ids"].tolist()), figures, users, scores, liked, float(kept["coverage"])
                )
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
                pair_users=measured.pair_users,
                pair_scores=measured.pair_scores,
                pair_liked=measured.pair_liked,
                coverage=np.float64(measured.coverage),
                seconds=np.float64(timed.seconds),
                **{_FIGURE + figure: values for figure, values in measured.figures.items()},  # type: ignore[arg-type]
            )
        unfinished.replace(self.folder / f"{name}.npz")
