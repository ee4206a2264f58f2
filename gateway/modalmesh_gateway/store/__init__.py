"""The gateway's storage on Redis or Valkey: items, vectors, histories, events, cached embeddings."""

from modalmesh_gateway.store.cache import EmbeddingCache
from modalmesh_gateway.store.catalogue import Catalogue
from modalmesh_gateway.store.changes import Change, Changes, Cursor, Resync
from modalmesh_gateway.store.histories import Histories
from modalmesh_gateway.store.metrics import ServerMetrics
from modalmesh_gateway.store.namespaces import Namespaces
from modalmesh_gateway.store.records import (
    EmbeddingKey,
    ItemRecord,
    Namespace,
    PutResult,
    StoredDigest,
    StoredHistory,
    TokenVectors,
)
from modalmesh_gateway.store.store import Store

__all__ = [
    "Catalogue",
    "Change",
    "Changes",
    "Cursor",
    "EmbeddingCache",
    "EmbeddingKey",
    "Histories",
    "ItemRecord",
    "Namespace",
    "Namespaces",
    "PutResult",
    "Resync",
    "ServerMetrics",
    "Store",
    "StoredDigest",
    "StoredHistory",
    "TokenVectors",
]
