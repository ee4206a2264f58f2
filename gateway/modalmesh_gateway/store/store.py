"""The store's parts, wired."""

import logging

from modalmesh.errors import Unavailable
from modalmesh.types import StoreStatus
from modalmesh_gateway.store.cache import EmbeddingCache
from modalmesh_gateway.store.catalogue import Catalogue
from modalmesh_gateway.store.changes import Changes
from modalmesh_gateway.store.histories import Histories
from modalmesh_gateway.store.metrics import ServerMetrics
from modalmesh_gateway.store.namespaces import Namespaces
from modalmesh_gateway.store.server import Server

logger = logging.getLogger(__name__)

_DAY_SECONDS = 24 * 3600.0


class Store:
    """All that the gateway keeps, on one Redis or Valkey, cached embeddings perhaps on another.

    Connects on first use, and again whenever the connection is lost. `timeout_seconds` bounds the wait for one answer.

    Raises:
        ValueError: a URL is none.
    """

    def __init__(
        self,
        redis_url: str,
        cache_url: str | None = None,
        *,
        partitions: int = 16,
        cache_ttl_seconds: float = 90 * _DAY_SECONDS,
        history_window: int = 500,
        log_length: int = 100_000,
        timeout_seconds: float = 0.8,
    ) -> None:
        self._server = Server(redis_url, timeout_seconds=timeout_seconds)
        self._cache_server = Server(cache_url, timeout_seconds=timeout_seconds) if cache_url else self._server
        self.namespaces = Namespaces(self._server, partitions)
        self.catalogue = Catalogue(self._server, self.namespaces, log_length=log_length)
        self.histories = Histories(self._server, self.namespaces, window=history_window, log_length=log_length)
        self.cache = EmbeddingCache(self._cache_server, ttl_seconds=cache_ttl_seconds)
        self.changes = Changes(self._server, self.namespaces)

    @property
    def metrics(self) -> dict[str, ServerMetrics]:
        """Of each server, by what it keeps; a server that keeps both counts once, as that of the records."""
        metrics = {"records": self._server.metrics}
        if self._cache_server is not self._server:
            metrics["cache"] = self._cache_server.metrics
        return metrics

    async def status(self) -> StoreStatus:
        """What the server is and how durable; never raises when it can't be reached."""
        try:
            facts = await self._server.facts()
        except Unavailable as error:
            logger.debug("no status of the store: %s", error.message)
            return StoreStatus(reachable=False)
        return StoreStatus(
            reachable=True,
            version=facts.version,
            durability=facts.durability,
            durable=facts.is_durable,
            used_memory_bytes=facts.used_memory_bytes,
        )

    async def close(self) -> None:
        await self._server.close()
        await self._cache_server.close()
