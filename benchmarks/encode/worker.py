"""What a process of the floor does: the model as the encoder loads it, and nothing between it and the inputs."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from multiprocessing.synchronize import Barrier
from typing import Any, Protocol

import numpy as np

from benchmarks.encode.load import Inputs
from benchmarks.encode.results import Kind
from modalmesh.embeddings import FloatMatrix
from modalmesh_services.common.configuration.settings import ServerSettings

_TOKENISED_AT_ONCE = 128
_LARGEST_BATCH = 32


class Encoder(Protocol):
    """Either of the two models behind one interface."""

    name: str
    build: str

    def prepare(self, inputs: Inputs) -> Sequence[Any]:
        """Tokenise, or decode and resize."""

    def encode(self, batch: Sequence[Any]) -> FloatMatrix:
        """(B, D) float32."""


class _Text:
    def __init__(self, settings: dict[str, Any]) -> None:
        from modalmesh_services.text_encoder.loading import load
        from modalmesh_services.text_encoder.settings import TextEncoderSettings

        self._loaded = load(TextEncoderSettings(**known(TextEncoderSettings, settings)))
        self.name, self.build = self._loaded.name, self._loaded.placement.build

    def prepare(self, inputs: Inputs) -> Sequence[Any]:
        return list(self._loaded.tokeniser(inputs))

    def encode(self, batch: Sequence[Any]) -> FloatMatrix:
        return self._loaded.model(batch, False)[0]


class _Image:
    def __init__(self, settings: dict[str, Any]) -> None:
        from modalmesh_services.image_encoder import images
        from modalmesh_services.image_encoder.loading import load
        from modalmesh_services.image_encoder.settings import ImageEncoderSettings

        whole = known(ImageEncoderSettings, {**settings, "micro_batch": _LARGEST_BATCH})
        self._loaded, self._decode = load(ImageEncoderSettings(**whole)), images.decode
        self.name, self.build = self._loaded.name, self._loaded.placement.build

    def prepare(self, inputs: Inputs) -> Sequence[Any]:
        preprocess = self._loaded.preprocess
        return [preprocess(self._decode(content, preprocess))[0] for content in inputs]

    def encode(self, batch: Sequence[Any]) -> FloatMatrix:
        return self._loaded.model(batch, False)[0]


_ENCODERS: dict[Kind, Callable[[dict[str, Any]], Encoder]] = {"text": _Text, "image": _Image}


@dataclass(frozen=True, slots=True)
class Ready:
    pid: int
    build: str


# A process's own, because what a pool hands to a worker would travel with every batch.
_own: list[tuple[Encoder, Barrier]] = []
_threads: list[Executor] = []


def known(settings: type[ServerSettings], values: dict[str, Any]) -> dict[str, Any]:
    """Those values that this encoder has a setting for."""
    return {name: value for name, value in values.items() if name in settings.model_fields}


def load(kind: Kind, settings: dict[str, Any], threads: int, all_loaded: Barrier) -> None:
    """Called once in each process."""
    _own.append((_ENCODERS[kind](settings), all_loaded))
    _threads.append(ThreadPoolExecutor(threads))


def get_ready(sample: Inputs) -> Ready:
    """Encode a little in every batch size, and wait for the other processes."""
    encoder, all_loaded = _own[0]
    for size in (1, 8, 16, 32):
        prepare_and_encode([sample[place % len(sample)] for place in range(size)])
    all_loaded.wait()
    return Ready(os.getpid(), encoder.build)


def prepare(inputs: Inputs) -> Sequence[Any]:
    return _own[0][0].prepare(inputs)


def encode(batch: Sequence[Any]) -> FloatMatrix:
    return _own[0][0].encode(batch)


def prepare_and_encode(inputs: Inputs) -> FloatMatrix:
    return encode(prepare(inputs))


def lone(inputs: Inputs) -> list[float]:
    """Seconds of each input by itself."""
    seconds = []
    for one in inputs:
        started = time.perf_counter()
        prepare_and_encode([one])
        seconds.append(time.perf_counter() - started)
    return seconds


def vectors(inputs: Inputs) -> FloatMatrix:
    """A batch of one an input."""
    return np.concatenate([prepare_and_encode([one]) for one in inputs])


def loop_in_threads(kind: Kind, inputs: Inputs, batch: int) -> int:
    return loop(_threads[0], kind, inputs, batch)


def loop(pool: Executor, kind: Kind, inputs: Inputs, batch: int) -> int:
    """Encode all inputs with all of the pool's workers; how many rows it gave.

    All texts are tokenised before they are sorted; the longest go first, so that the workers end together. A worker
    decodes the pictures that it encodes. No core waits for another stage either way.
    """
    if kind == "image":
        return _count(pool.map(prepare_and_encode, _cut(inputs, batch)))
    tokenised = chain.from_iterable(pool.map(prepare, _cut(inputs, _TOKENISED_AT_ONCE)))
    ordered = sorted(tokenised, key=lambda text: len(text.ids), reverse=True)
    return _count(pool.map(encode, _cut(ordered, batch)))


def _count(matrices: Iterable[FloatMatrix]) -> int:
    return sum(len(matrix) for matrix in matrices)


def _cut(inputs: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [inputs[at : at + size] for at in range(0, len(inputs), size)]
