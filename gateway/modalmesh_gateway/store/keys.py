"""The names of all keys, and in which partition a name lies. docs/keys.md is the same for people.

Everything that one script touches has one hash tag, the part of a key in braces, and so one slot of a Redis Cluster.
Only the first pair of braces of a key counts, so namespaces are escaped and ids, which come last, need not be.
"""

import zlib
from dataclasses import dataclass
from urllib.parse import quote

from modalmesh_gateway.store.records import EmbeddingKey

NAMESPACES = "mm:namespaces"
FENCE = "mm:fence"

# Cached embeddings belong to no namespace: the same content is encoded once for all of them. Another number only
# makes what is cached be missed.
CACHE_PARTITIONS = 16


def partition_of(name: str, partitions: int) -> int:
    return zlib.crc32(name.encode()) % partitions


def _tag(*parts: object) -> str:
    return "mm:{" + ":".join(quote(str(part), safe="") for part in parts) + "}"


@dataclass(frozen=True, slots=True)
class ItemSlot:
    """The keys of one partition's items."""

    tag: str

    @classmethod
    def of(cls, namespace: str, partition: int) -> "ItemSlot":
        return cls(_tag(namespace, "i", partition))

    @property
    def ids(self) -> str:
        return f"{self.tag}:ids"

    @property
    def pending(self) -> str:
        return f"{self.tag}:pending"

    @property
    def changes(self) -> str:
        return f"{self.tag}:changes"

    @property
    def sequence(self) -> str:
        return f"{self.tag}:sequence"

    def item(self, item_id: str) -> str:
        return f"{self.tag}:item:{item_id}"

    def contents(self, item_id: str) -> str:
        return f"{self.tag}:contents:{item_id}"

    def gone(self, item_id: str) -> str:
        return f"{self.tag}:gone:{item_id}"


@dataclass(frozen=True, slots=True)
class UserSlot:
    """The keys of one partition's users."""

    tag: str

    @classmethod
    def of(cls, namespace: str, partition: int) -> "UserSlot":
        return cls(_tag(namespace, "u", partition))

    @property
    def counts(self) -> str:
        return f"{self.tag}:counts"

    @property
    def log(self) -> str:
        return f"{self.tag}:log"

    @property
    def sequence(self) -> str:
        return f"{self.tag}:sequence"

    def event_ids(self, user_id: str) -> str:
        return f"{self.tag}:event_ids:{user_id}"

    def recent(self, user_id: str) -> str:
        return f"{self.tag}:recent:{user_id}"

    def seen(self, user_id: str) -> str:
        return f"{self.tag}:seen:{user_id}"


def cache_partition(key: EmbeddingKey) -> int:
    return partition_of(key.content_hash, CACHE_PARTITIONS)


def cache_key(key: EmbeddingKey) -> str:
    """The fingerprint is escaped, so that its end is known whatever it holds."""
    return f"{_tag('c', cache_partition(key))}:{quote(key.fingerprint, safe='')}:{key.content_hash}"
