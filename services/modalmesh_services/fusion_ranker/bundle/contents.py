"""What is in a bundle, and the files that it becomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from modalmesh.embeddings import ModelId
from modalmesh_services.fusion_ranker.bundle.failures import NOT_WHOLE, refused
from modalmesh_services.fusion_ranker.bundle.plain_json import from_json, to_json
from modalmesh_services.fusion_ranker.systems.interface import MadeFor, Parts

SETTINGS, TENSORS, VOCABULARY = "settings.json", "tensors.safetensors", "vocabulary.json"
METRICS, REPORT = "metrics.json", "report.html"
DECISIVE = (SETTINGS, TENSORS, VOCABULARY)
"""The files that scores depend on."""
FILES = (*DECISIVE, METRICS, REPORT)


@dataclass(frozen=True, slots=True)
class Learned:
    """What a ranker was learned by: a system, its version and configuration, and the fingerprint of the data."""

    system: str
    version: int
    configuration: Mapping[str, Any]
    data: str


@dataclass(frozen=True, slots=True)
class Encoders:
    """Whose vectors a ranker was made for, and their dims; 0 of a modality that its data had nothing of."""

    text: ModelId
    image: ModelId
    text_dim: int
    image_dim: int


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A bundle that was read and is whole. `revision` is a hash of all that scores depend on; `metrics` are JSON."""

    learned: Learned
    encoders: Encoders
    revision: str
    parts: Parts
    metrics: Mapping[str, Any]

    @property
    def made_for(self) -> MadeFor:
        encoders = self.encoders
        return MadeFor(
            self.learned.system,
            self.revision,
            encoders.text,
            encoders.image,
            encoders.text_dim,
            encoders.image_dim,
        )


def to_files(parts: Parts, metrics: Mapping[str, Any], report: str) -> dict[str, bytes]:
    """Raises:
    ValueError, TypeError: a part is no JSON (NaN, infinity) or no array of numbers.
    """
    # In rows, for safetensors takes an array's memory as it lies; not by ascontiguousarray, which makes a number a row.
    arrays = {name: np.asarray(array, order="C") for name, array in parts.arrays.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise TypeError(f"array {name!r} holds {array.dtype}, no numbers")
    return {
        SETTINGS: to_json(parts.settings),
        TENSORS: save(arrays),
        VOCABULARY: to_json(list(parts.item_ids)),
        METRICS: to_json(metrics),
        REPORT: report.encode(),
    }


def parts_of(files: Mapping[str, bytes]) -> Parts:
    """Raises:
    InvalidInput: a file is not what it should be; names it.
    """
    item_ids = from_json(files[VOCABULARY], VOCABULARY, list)
    if not all(isinstance(item_id, str) for item_id in item_ids):
        raise refused(VOCABULARY, "holds ids that are no texts", NOT_WHOLE)
    try:
        arrays = load(files[TENSORS])
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise refused(TENSORS, f"holds no tensors that can be read ({error})", NOT_WHOLE) from error
    return Parts(from_json(files[SETTINGS], SETTINGS, dict), arrays, tuple(item_ids))
