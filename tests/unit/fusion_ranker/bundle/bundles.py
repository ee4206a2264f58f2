"""A small bundle to break."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from modalmesh.embeddings import ModelId
from modalmesh_services.fusion_ranker.bundle import Encoders, Learned, write_bundle
from modalmesh_services.fusion_ranker.bundle.manifest import MANIFEST, hash_of
from modalmesh_services.fusion_ranker.bundle.plain_json import to_json
from modalmesh_services.fusion_ranker.systems.interface import Parts

LEARNED = Learned("modalmesh", 1, {"epochs": 3, "rate": 0.1}, "d" * 32)
ENCODERS = Encoders(ModelId("minilm", "t1"), ModelId("effnet", "i1"), 4, 6)
PARTS = Parts(
    {"temperature": 0.5, "kinds": ["title", "tags"]},
    {"items": np.arange(12, dtype=np.float32).reshape(3, 4), "counts": np.array([3, 1, 2], np.int64)},
    ("lamp", "chair", "Tisch № 3"),
)
METRICS = {"steps": [{"loss": 0.7}]}
REPORT = "<!doctype html><title>curves</title>"


def write(folder: Path, parts: Parts = PARTS, learned: Learned = LEARNED, report: str = REPORT) -> str:
    return write_bundle(folder, learned, ENCODERS, parts, METRICS, report)


def forge(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest as somebody does who knows how its checksum is made."""
    document = json.loads((folder / MANIFEST).read_bytes())
    del document["checksum"]
    change(document)
    (folder / MANIFEST).write_bytes(to_json({**document, "checksum": hash_of(document)}))
