"""The services that have a GPU: how each is started, and what it is asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.encode import pictures, texts
from benchmarks.rank import inputs
from modalmesh.types import ModelInfo
from modalmesh.v1 import fusion_ranker_service_pb2 as ranker
from modalmesh.v1 import image_encoder_service_pb2 as image
from modalmesh.v1 import text_encoder_service_pb2 as text
from modalmesh_services.fusion_ranker.bundle.reading import read_bundle
from modalmesh_services.fusion_ranker.models.interface import ModelDescription

_TEXTS, _PICTURES, _RANKINGS = 512, 256, 20
_MADE_ITEMS = 10_000

Messages = Callable[[ModelInfo], Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Part:
    """`asked` makes what `method` is called with, once the model is known; `model` reads what GetModel answers."""

    name: str
    service: str
    method: str
    flags: Sequence[str]
    callers: int
    model: Callable[[bytes], Any]
    asked: Messages

    @property
    def module(self) -> str:
        return f"modalmesh_services.{self.name.replace('-', '_')}"

    def path(self, method: str) -> str:
        return f"/modalmesh.v1.{self.service}/{method}"


def parts(bundle: Path | None, callers: int, rank_callers: int) -> Sequence[Part]:
    """Both encoders with the packaged models, and the ranker: one text, one picture, one ranking a call."""
    item_ids = read_bundle(bundle).parts.item_ids if bundle else [f"item-{row}" for row in range(_MADE_ITEMS)]
    flags = ["--model", str(bundle.resolve())] if bundle else []
    return [
        Part("text-encoder", "TextEncoder", "Encode", [], callers, text.TextEncoderGetModelResponse.FromString, _texts),
        Part(
            *("image-encoder", "ImageEncoder", "Encode", [], callers),
            image.ImageEncoderGetModelResponse.FromString,
            _pictures,
        ),
        Part(
            *("fusion-ranker", "FusionRanker", "Rank", flags, rank_callers),
            ranker.FusionRankerGetModelResponse.FromString,
            lambda model: _rankings(item_ids, model),
        ),
    ]


def _texts(model: ModelInfo) -> Sequence[bytes]:
    found = texts.docstrings(_TEXTS)[:_TEXTS]
    return [text.TextEncoderEncodeRequest(texts=[each]).SerializeToString() for each in found]


def _pictures(model: ModelInfo) -> Sequence[bytes]:
    drawn = pictures.draw(_PICTURES)
    return [
        image.ImageEncoderEncodeRequest(inputs=[image.VisualInput(image=each)]).SerializeToString() for each in drawn
    ]


def _rankings(item_ids: Sequence[str], model: ModelInfo) -> Sequence[bytes]:
    """500 candidates and a history of 50 each, as the rank benchmark has them."""
    chance = np.random.default_rng(0)
    described = ModelDescription(model.name, model.fingerprint, model.build, 0, 0, model.dim)
    made = inputs.requests(inputs.drawn(item_ids, _RANKINGS, chance), described, _RANKINGS, chance)
    return [each.SerializeToString() for each in made]
