"""What a worker process of the floor does: both models, one core, one batch at a time, nothing between it and torch."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import TypeAlias

from benchmarks.ingest.results import Model
from modalmesh.embeddings import FloatMatrix
from modalmesh.errors import InvalidInput
from modalmesh_services.image_encoder import images, videos
from modalmesh_services.image_encoder.loading import LoadedImage
from modalmesh_services.image_encoder.loading import load as load_image
from modalmesh_services.image_encoder.preprocess import Pixels
from modalmesh_services.image_encoder.settings import ImageEncoderSettings
from modalmesh_services.text_encoder.loading import LoadedText
from modalmesh_services.text_encoder.loading import load as load_text
from modalmesh_services.text_encoder.settings import TextEncoderSettings
from modalmesh_services.text_encoder.tokens import Tokens

Visual: TypeAlias = tuple[bytes, bool]
"""A file's bytes, and whether it is a video."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker that has loaded its models and run them."""

    pid: int
    text: Model
    image: Model


@dataclass(frozen=True, slots=True)
class _Models:
    text: LoadedText
    image: LoadedImage
    video_limits: videos.VideoLimits


# A process's own, because what a pool hands to a worker would travel with every batch.
_loaded: list[_Models] = []
_all_loaded: list[Barrier] = []


def load(all_loaded: Barrier) -> None:
    """Called once in each worker; the settings are those of the services, from the same environment."""
    settings = ImageEncoderSettings()
    _loaded.append(_Models(load_text(TextEncoderSettings()), load_image(settings), settings.video_limits))
    _all_loaded.append(all_loaded)


def get_ready() -> Ready:
    """Run the text model once, as the image model was at loading, and wait for the other workers."""
    text, image = _loaded[0].text, _loaded[0].image
    encode_texts(tokenise(["warm"] * 16))
    _all_loaded[0].wait()
    return Ready(
        os.getpid(), Model(text.fingerprint, text.placement.build), Model(image.fingerprint, image.placement.build)
    )


def tokenise(texts: Sequence[str]) -> list[Tokens]:
    """Those that hold anything to encode."""
    return [tokens for tokens in _loaded[0].text.tokeniser(texts) if isinstance(tokens, Tokens)]


def encode_texts(batch: Sequence[Tokens]) -> FloatMatrix:
    """(B, D) float32."""
    return _loaded[0].text.model(batch, False)[0]


def encode_visuals(batch: Sequence[Visual]) -> tuple[FloatMatrix, int]:
    """Decode and encode: (pictures and frames, D) float32, and how many files of the batch could be decoded."""
    decoded = [pictures for visual in batch if (pictures := _decode(visual))]
    flat = [picture for pictures in decoded for picture in pictures]
    return _loaded[0].image.model(flat, False)[0], len(decoded)


def _decode(visual: Visual) -> list[Pixels]:
    content, is_video = visual
    preprocess = _loaded[0].image.preprocess
    try:
        if is_video:
            pictures = [frame.picture for frame in videos.sample(content, _loaded[0].video_limits)]
        else:
            pictures = [images.decode(content, preprocess)]
    except InvalidInput:
        return []
    return [preprocess(picture)[0] for picture in pictures]
