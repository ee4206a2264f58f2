"""Embeddings by content, for all namespaces. The cache may be slow, full or gone: then there is more to encode."""

import logging
from collections.abc import Mapping, Sequence

from modalmesh.embeddings import Embeddings, FloatMatrix, ModelId
from modalmesh.errors import Unavailable
from modalmesh_gateway.store.keys import cache_key, cache_partition
from modalmesh_gateway.store.records import EmbeddingKey
from modalmesh_gateway.store.scripts import READ_CACHE, Command
from modalmesh_gateway.store.server import Server
from modalmesh_gateway.store.vectors import CorruptValueError, decode_vectors, encode_vectors

logger = logging.getLogger(__name__)

_SCRIPT_KEYS = 256


class EmbeddingCache:
    """A value lives `ttl_seconds` after it was written or hit last; a hit renews it when an eighth of that is gone."""

    def __init__(self, server: Server, *, ttl_seconds: float) -> None:
        self._server = server
        self._ttl_ms = max(1, int(ttl_seconds * 1000))
        self._is_reachable = True

    async def get_many(self, keys: Sequence[EmbeddingKey], dim: int | None) -> dict[EmbeddingKey, FloatMatrix]:
        """What is cached, (rows, dim) float32 each; `dim` None takes any. A value that isn't what it should be, or a
        cache that can't be reached, is a miss.
        """
        found: dict[EmbeddingKey, FloatMatrix] = {}
        groups = _groups(dict.fromkeys(keys))
        renew_below = self._ttl_ms - self._ttl_ms // 8
        commands = [READ_CACHE.call([cache_key(key) for key in group], [self._ttl_ms, renew_below]) for group in groups]
        try:
            answers = await self._server.run(commands)
        except Unavailable as error:
            self._lost(error)
            return found
        self._reached()
        for group, values in zip(groups, answers, strict=True):
            for key, value in zip(group, values, strict=True):
                vectors = None if value is None else _read(key, value, dim)
                if vectors is not None:
                    found[key] = vectors
        return found

    async def put_many(self, values: Mapping[EmbeddingKey, FloatMatrix]) -> int:
        """How many were stored; fewer when the cache can't be reached or is full."""
        commands = [self._set(key, vectors) for key, vectors in values.items()]
        try:
            await self._server.run(commands, at_once=True)
        except Unavailable as error:
            self._lost(error)
            return 0
        self._reached()
        return len(commands)

    def _set(self, key: EmbeddingKey, vectors: FloatMatrix) -> Command:
        value = encode_vectors(Embeddings(vectors, ModelId(fingerprint=key.fingerprint)))
        return ("SET", cache_key(key), value, "PX", self._ttl_ms)

    def _lost(self, error: Unavailable) -> None:
        if self._is_reachable:
            logger.warning("the embedding cache is gone, what it holds is encoded again: %s", error.message)
        self._is_reachable = False

    def _reached(self) -> None:
        if not self._is_reachable:
            logger.info("the embedding cache is back")
        self._is_reachable = True


def _groups(keys: Mapping[EmbeddingKey, None]) -> list[list[EmbeddingKey]]:
    """Keys by slot, at most a script's worth each."""
    slots: dict[int, list[EmbeddingKey]] = {}
    for key in keys:
        slots.setdefault(cache_partition(key), []).append(key)
    return [
        group[start : start + _SCRIPT_KEYS] for group in slots.values() for start in range(0, len(group), _SCRIPT_KEYS)
    ]


def _read(key: EmbeddingKey, value: bytes, dim: int | None) -> FloatMatrix | None:
    try:
        embeddings = decode_vectors(value)
    except CorruptValueError as error:
        logger.warning("a cached embedding of %s is broken: %s", key.content_hash, error)
        return None
    if embeddings.model.fingerprint != key.fingerprint or dim not in (None, embeddings.dim):
        logger.warning("a cached embedding of %s is not what its key says", key.content_hash)
        return None
    return embeddings.values
