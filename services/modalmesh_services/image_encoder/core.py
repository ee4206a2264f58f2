"""What the image encoder does. Knows no grpc and no protobuf."""

import asyncio
import hashlib
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from PIL import Image

from modalmesh.embeddings import Dtype, FloatMatrix, ModelId
from modalmesh.errors import InvalidInput, ModalmeshError
from modalmesh.types import ModelInfo, ModelLimits
from modalmesh_services.common.answers import check_answer, most_bytes, too_large
from modalmesh_services.common.deadline import Deadline
from modalmesh_services.common.encoding import (
    Encoded,
    EncodedBatch,
    Granularity,
    Outcome,
    Part,
    assemble,
    check_batch,
    finite,
)
from modalmesh_services.common.engine.engine import Engine
from modalmesh_services.common.engine.work import THREADS_A_DEVICE, EngineLimits, Job
from modalmesh_services.image_encoder import images, videos
from modalmesh_services.image_encoder.loading import LoadedImage
from modalmesh_services.image_encoder.preprocess import Box, Pixels
from modalmesh_services.image_encoder.settings import ImageEncoderSettings

FIELD = "inputs"
# Decoding takes far longer than handing over, so that each thread takes few.
_PREPARE_INPUTS = 2
# So far are pictures prepared ahead of the device: enough to keep it busy, and little enough to bound memory.
_BATCHES_AHEAD = 16
# So many pixels are decoded in the time in which the model takes one; roughly, and only to foresee how long it takes.
_DECODED_PER_ENCODED = 16
# What a picture takes while it waits: its pixels once it is prepared, and its file until then.
_BYTES_PER_PIXEL = 3
# Of a file's bytes: its header is read and its content hashed in 0.1 ms.
_SOON_READ = 64 * 1024


@dataclass(frozen=True, slots=True)
class VisualInput:
    """A file's bytes, of a video or of a picture; `hidden` are boxes of a picture that are painted over, in shares."""

    content: bytes
    video: bool
    granularity: Granularity
    hidden: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the model gets of an input: its pictures, what part of the original they show, and for a video when."""

    pictures: tuple[Pixels, ...]
    box: Box
    frame_ms: tuple[int, ...]
    granularity: Granularity


class ImagePipeline:
    """Decode and resize, then run the model."""

    def __init__(self, loaded: LoadedImage, settings: ImageEncoderSettings) -> None:
        self._loaded = loaded
        self._settings = settings

    def prepare(self, inputs: Sequence[VisualInput]) -> list[Prepared | ModalmeshError]:
        # A picture comes several times in a row where different boxes of it are hidden.
        decode = lru_cache(maxsize=1)(partial(images.decode, preprocess=self._loaded.preprocess))
        return [self._prepare(one, decode) for one in inputs]

    def _prepare(self, one: VisualInput, decode: Callable[[bytes], Image.Image]) -> Prepared | ModalmeshError:
        try:
            if not one.video:
                picture = images.hide(decode(one.content), one.hidden)
                pixels, box = self._loaded.preprocess(picture)
                return Prepared((pixels,), box, (), one.granularity)
            frames = videos.sample(one.content, self._settings.video_limits)
        except InvalidInput as error:
            return error
        shown = [self._loaded.preprocess(frame.picture) for frame in frames]
        times = tuple(frame.time_ms for frame in frames)
        return Prepared(tuple(pixels for pixels, _ in shown), shown[0][1], times, one.granularity)

    def length(self, ready: Prepared) -> int:
        return len(ready.pictures)

    def real_length(self, ready: Prepared) -> int:
        return len(ready.pictures)

    def encode(self, batch: Sequence[Prepared]) -> list[Outcome]:
        pictures = [picture for prepared in batch for picture in prepared.pictures]
        wants_grids = any(prepared.granularity is Granularity.PARTS for prepared in batch)
        pooled, grids = self._loaded.model(pictures, wants_grids)
        outcomes, row = [], 0
        for prepared in batch:
            rows = slice(row, row + len(prepared.pictures))
            row = rows.stop
            if grids is None or prepared.granularity is Granularity.POOLED:
                outcomes.append(finite(_pooled(prepared, pooled[rows])))
            else:
                outcomes.append(finite(_parts(prepared, grids[rows])))
        return outcomes


def _pooled(prepared: Prepared, vectors: FloatMatrix) -> Encoded:
    return Encoded(vectors, tuple(Part(frame_ms=time, right=1.0, bottom=1.0) for time in prepared.frame_ms))


def _parts(prepared: Prepared, grids: FloatMatrix) -> Encoded:
    """Grids (frames, rows, columns, D) to a row a cell, with its box in the original."""
    _, rows, columns, dim = grids.shape
    left, top, right, bottom = prepared.box
    xs = np.linspace(left, right, columns + 1).tolist()
    ys = np.linspace(top, bottom, rows + 1).tolist()
    parts = tuple(
        Part(left=xs[column], top=ys[row], right=xs[column + 1], bottom=ys[row + 1], frame_ms=time)
        for time in prepared.frame_ms or (0,)
        for row in range(rows)
        for column in range(columns)
    )
    return Encoded(grids.reshape(-1, dim), parts)


def _warm_picture(number: int, granularity: Granularity = Granularity.POOLED) -> VisualInput:
    """A small picture, another one for each number."""
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (number % 256, number // 256, 128)).save(file, "PNG")
    return VisualInput(file.getvalue(), False, granularity)


class ImageEncoder:
    """Batches of pictures and videos to vectors."""

    def __init__(self, loaded: LoadedImage, settings: ImageEncoderSettings) -> None:
        self._loaded = loaded
        self._settings = settings
        most = loaded.model.micro_batch
        limits = EngineLimits(
            settings.queue_pixels,
            most,
            most,
            window_length=most * _BATCHES_AHEAD,
            prepare_inputs=_PREPARE_INPUTS,
            prepare_threads=len(os.sched_getaffinity(0)),
            devices=loaded.placement.threads,
            threads_a_device=THREADS_A_DEVICE[loaded.placement.device.type],
        )
        probe = _warm_picture(0)
        self._engine: Engine[VisualInput, Prepared, Encoded] = Engine(ImagePipeline(loaded, settings), limits, probe)
        # Of a picture's grid; the start finds out how many there are.
        self._cells = 1

    @property
    def engine(self) -> Engine[VisualInput, Prepared, Encoded]:
        """For what watches it: metrics, health."""
        return self._engine

    def info(self) -> ModelInfo:
        limits = ModelLimits(
            batch_inputs=self._settings.batch_inputs,
            image_bytes=self._settings.max_image_bytes,
            image_pixels=self._settings.max_image_pixels,
            video_bytes=self._settings.max_video_bytes,
            video_seconds=self._settings.max_video_seconds,
            video_frames=self._settings.video_frames,
        )
        return ModelInfo(
            self._loaded.name, self._loaded.fingerprint, self._loaded.placement.build, self._loaded.dim, limits
        )

    async def start(self) -> None:
        """Start the engine and run the model on one picture and on many, so that the first caller doesn't pay for
        what is made only then, and the engine knows how fast it is.
        """
        await self._engine.start()
        most = min(self._loaded.model.micro_batch * self._loaded.placement.threads, self._settings.batch_inputs)
        for count in (1, most):
            await self.encode([_warm_picture(number) for number in range(count)], Deadline.after(None))
        grid = await self.encode([_warm_picture(0, Granularity.PARTS)], Deadline.after(None))
        self._cells = max(1, grid.embeddings.rows)

    async def stop(self) -> None:
        await self._engine.stop()

    async def encode(
        self,
        inputs: Sequence[VisualInput],
        deadline: Deadline,
        dtype: Dtype = Dtype.F32,
        admitted: Callable[[], None] | None = None,
    ) -> EncodedBatch:
        """POOLED: a row of length 1 a picture, and a row a frame of a video. PARTS: the vectors before pooling, as the
        model gives them, a row a cell of its grid (and a frame), each with its box in the original, upright picture.
        `dtype` is what the answer will be sent in. `admitted`: as Engine.submit.

        Raises:
            InvalidInput: the batch is empty or over the limit, or its answer may be; a bad input only gets an INVALID
                result.
            Overloaded, DeadlineExceeded, Unavailable: as Engine.submit.
        """
        check_batch(len(inputs), self._settings.batch_inputs, FIELD)
        limit = self._settings.max_message_bytes
        sizes = [self.answer_bytes(one, dtype) for one in inputs]
        admit = partial(self._jobs, inputs, sizes)
        # Too long for the event loop, unless it is a lone picture of usual size: then going to a thread takes longer.
        lone = len(inputs) == 1 and not inputs[0].video and len(inputs[0].content) <= _SOON_READ
        jobs = admit() if lone else await asyncio.to_thread(admit)
        expected = sum(size for job, size in zip(jobs, sizes, strict=True) if isinstance(job, Job))
        check_answer(expected, limit, FIELD)
        encoded = iter(await self._engine.submit([job for job in jobs if isinstance(job, Job)], deadline, admitted))
        outcomes: list[Outcome] = [next(encoded) if isinstance(job, Job) else job for job in jobs]
        return assemble(outcomes, ModelId(self._loaded.name, self._loaded.fingerprint), self._loaded.dim, FIELD)

    def answer_bytes(self, one: VisualInput, dtype: Dtype) -> int:
        """What an input's answer takes at most."""
        cells = self._cells if one.granularity is Granularity.PARTS else 1
        frames = self._settings.video_frames if one.video else 1
        return most_bytes(frames * cells, self._loaded.dim, dtype)

    def _jobs(self, inputs: Sequence[VisualInput], sizes: Sequence[int]) -> list[Job[VisualInput] | InvalidInput]:
        limit = self._settings.max_message_bytes
        return [too_large(size, limit) or self._job(one) for one, size in zip(inputs, sizes, strict=True)]

    def _job(self, one: VisualInput) -> Job[VisualInput] | InvalidInput:
        """An input with the pixels that it is admitted as, or why it is refused."""
        cost = self._cost(one)
        if not isinstance(cost, int):
            return cost
        # A long file's own hash would keep the interpreter to itself.
        digest = hashlib.blake2b(one.content, digest_size=16).digest()
        preprocess = self._loaded.preprocess
        least = preprocess.width * preprocess.height * (self._settings.video_frames if one.video else 1)
        return Job(
            (digest, one.video, one.granularity, one.hidden),
            max(cost, len(one.content) // _BYTES_PER_PIXEL),
            one,
            least + cost // _DECODED_PER_ENCODED,
        )

    def _cost(self, one: VisualInput) -> int | InvalidInput:
        settings, preprocess = self._settings, self._loaded.preprocess
        least = preprocess.width * preprocess.height
        try:
            if one.video:
                width, height = videos.read_size(one.content, settings.video_limits)
                return max(width * height, least * settings.video_frames)
            width, height = images.read_size(one.content, settings.max_image_bytes, settings.max_image_pixels)
            return max(width * height, least)
        except InvalidInput as error:
            return error
