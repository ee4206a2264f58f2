"""Content to vectors: from the cache, from a call in flight, or from the encoder. Knows no grpc and no protobuf."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from modalmesh.embeddings import FloatMatrix, ModelId
from modalmesh.errors import InternalError, ModalmeshError, Overloaded
from modalmesh.types import Lack
from modalmesh_gateway.parts import PART_FAILURES, PartMonitor, lack_of
from modalmesh_gateway.ports import Encoded, EncodedBatch, Encoder
from modalmesh_gateway.store import EmbeddingCache, EmbeddingKey
from modalmesh_services.common.deadline import Deadline

logger = logging.getLogger(__name__)

Input = TypeVar("Input")


@dataclass(slots=True)
class Embedded:
    """What became of some contents, by content hash. What is in none of the three is waiting for the encoder."""

    model: ModelId
    dim: int = 0
    vectors: dict[str, FloatMatrix] = field(default_factory=dict)
    invalid: dict[str, str] = field(default_factory=dict)
    truncated: set[str] = field(default_factory=set)
    encoded: int = 0
    hits: int = 0
    lack: Lack | None = None


@dataclass(slots=True)
class EmbedderCounters:
    """Since the start."""

    hits: int = 0
    misses: int = 0
    encoded: int = 0


class Embedder(Generic[Input]):
    """The same content is encoded once: within a call, among calls in flight, and for ever after by the cache.

    `cost` gives an input's bytes; a call to the encoder holds at most `batch_bytes` and `batch_inputs` inputs, or as
    many as the encoder takes where that is less.
    """

    def __init__(
        self,
        encoder: Encoder[Input],
        cache: EmbeddingCache,
        monitor: PartMonitor,
        cost: Callable[[Input], int],
        *,
        batch_inputs: int = 256,
        batch_bytes: int = 32 * 1024 * 1024,
    ) -> None:
        self._encoder = encoder
        self._cache = cache
        self._monitor = monitor
        self._cost = cost
        self._batch_inputs = batch_inputs
        self._batch_bytes = batch_bytes
        self._in_flight: dict[EmbeddingKey, asyncio.Future[Encoded]] = {}
        self.counters = EmbedderCounters()

    @property
    def name(self) -> str:
        return self._encoder.name

    @property
    def fingerprint(self) -> str:
        """The vector space that the encoder served last; empty before it ever answered."""
        return self._monitor.fingerprint(self._encoder.name)

    async def embed(self, contents: Mapping[str, Input], deadline: Deadline) -> Embedded:
        """Vectors of `contents` (content hash to content). Never raises for a failure of the encoder: see `lack`."""
        try:
            model = await self._monitor.model(self._encoder, deadline)
        except PART_FAILURES as error:
            return Embedded(ModelId(), lack=lack_of(self.name, error))
        result = Embedded(ModelId(model.name, model.fingerprint), model.dim)
        if not contents:
            return result
        keys = {EmbeddingKey(model.fingerprint, content_hash): content_hash for content_hash in contents}
        cached = await self._cache.get_many(list(keys), model.dim)
        for key, values in cached.items():
            result.vectors[keys[key]] = values
        result.hits = len(cached)
        self.counters.hits += len(cached)
        missing = {key: contents[keys[key]] for key in keys if key not in cached}
        self.counters.misses += len(missing)
        if missing:
            await self._encode_once(missing, result, deadline)
        return result

    async def _encode_once(self, missing: Mapping[EmbeddingKey, Input], result: Embedded, deadline: Deadline) -> None:
        """Wait for what others are encoding, encode the rest, and try again what an owner left behind."""
        while missing:
            if deadline.expired:
                result.lack = Lack(self.name, "TIMEOUT")
                return
            theirs = {key: self._in_flight[key] for key in missing if key in self._in_flight}
            ours = {key: content for key, content in missing.items() if key not in theirs}
            if ours:
                await self._encode_ours(ours, result, deadline)
            if not theirs:
                return
            await asyncio.wait(theirs.values(), timeout=deadline.remaining)
            left: dict[EmbeddingKey, Input] = {}
            for key, future in theirs.items():
                if future.done() and not future.cancelled() and future.exception() is None:
                    self._keep(key.content_hash, future.result(), result)
                    result.hits += 1
                elif result.lack is None:
                    left[key] = missing[key]
            missing = left

    async def _encode_ours(self, ours: Mapping[EmbeddingKey, Input], result: Embedded, deadline: Deadline) -> None:
        loop = asyncio.get_running_loop()
        futures = {key: loop.create_future() for key in ours}
        self._in_flight.update(futures)
        try:
            await asyncio.gather(
                *(self._encode_batch(batch, ours, futures, result, deadline) for batch in self._batches(ours))
            )
        finally:
            for key, future in futures.items():
                self._in_flight.pop(key, None)
                # Whoever waits for what we leave undone takes it over.
                future.cancel()

    async def _encode_batch(
        self,
        batch: Sequence[EmbeddingKey],
        ours: Mapping[EmbeddingKey, Input],
        futures: Mapping[EmbeddingKey, asyncio.Future[Encoded]],
        result: Embedded,
        deadline: Deadline,
    ) -> None:
        try:
            answer = await self._encode([ours[key] for key in batch], deadline)
        except PART_FAILURES as error:
            result.lack = lack_of(self.name, error)
            return
        rows = [encoded.values for encoded in answer.results if encoded.values is not None]
        if rows and answer.model.fingerprint != result.model.fingerprint:
            # The encoder was replaced between question and answer: these vectors are of another space.
            await self._forget_model(result, deadline)
            return
        if any(values.shape[1] != result.dim for values in rows):
            logger.warning("%s: %s has vectors of another dim than %d", self.name, result.model.name, result.dim)
            result.lack = Lack(self.name, "WRONG_DIM")
            return
        stored: dict[EmbeddingKey, FloatMatrix] = {}
        for key, encoded in zip(batch, answer.results, strict=True):
            self._keep(key.content_hash, encoded, result)
            if not futures[key].done():
                futures[key].set_result(encoded)
            if encoded.values is not None:
                stored[key] = encoded.values
        result.encoded += len(stored)
        self.counters.encoded += len(stored)
        await self._cache.put_many(stored)

    async def _encode(self, inputs: Sequence[Input], deadline: Deadline) -> EncodedBatch:
        """Ask the encoder, and again when it says that it will have room, as long as the caller has time."""
        while True:
            try:
                return await self._encoder.encode(inputs, deadline)
            except Overloaded as error:
                if error.retry_after >= deadline.remaining:
                    raise
                await asyncio.sleep(error.retry_after)

    async def _forget_model(self, result: Embedded, deadline: Deadline) -> None:
        result.lack = Lack(self.name, "MODEL_CHANGED")
        try:
            await self._monitor.refresh(self._encoder, deadline)
        except ModalmeshError as error:
            result.lack = lack_of(self.name, error)

    @staticmethod
    def _keep(content_hash: str, encoded: Encoded, result: Embedded) -> None:
        if encoded.values is None:
            result.invalid[content_hash] = encoded.reason
            return
        result.vectors[content_hash] = encoded.values
        if encoded.truncated:
            result.truncated.add(content_hash)

    def _batches(self, contents: Mapping[EmbeddingKey, Input]) -> list[list[EmbeddingKey]]:
        model = self._monitor.known(self.name)
        taken = model.limits.batch_inputs if model else 0
        most = min(self._batch_inputs, taken or self._batch_inputs)
        batches: list[list[EmbeddingKey]] = []
        room = 0
        for key, content in contents.items():
            cost = self._cost(content)
            if not batches or len(batches[-1]) >= most or cost > room:
                batches.append([])
                room = self._batch_bytes
            batches[-1].append(key)
            room -= cost
        return batches


def first_vector(embedded: Embedded, content_hash: str) -> FloatMatrix:
    """The one vector (D,) of a query's content.

    Raises:
        InternalError: it has none; the caller has looked at `lack` and `invalid` before.
    """
    try:
        vector: FloatMatrix = embedded.vectors[content_hash][0]
    except KeyError:
        raise InternalError("an encoder left a query without an answer") from None
    return vector
