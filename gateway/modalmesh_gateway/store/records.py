"""What the store keeps, in its own words. Knows no grpc, no protobuf and no Redis."""

from dataclasses import dataclass
from typing import Literal

from modalmesh.embeddings import Embeddings
from modalmesh.types import Event, Item, Modality


@dataclass(frozen=True, slots=True)
class EmbeddingKey:
    """Names one content's embedding for ever: the vector space, and what was encoded."""

    fingerprint: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """An item's vectors (T, D) of one modality, one row a token.

    `labels` and `content_hashes` have one entry a row: what the row stands for (title, description, tags, picture,
    frame), and the hash of the content that it was encoded from.
    """

    embeddings: Embeddings
    labels: tuple[str, ...]
    content_hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """An item as stored: without contents, with its vectors.

    `digest` covers all that the caller gave. `fused` is (1, D), its model's fingerprint names the space that it was
    fused into; `fused_key` names what it was made from. `older_fused` are the vectors that other revisions of the
    ranker made of the same item. `pending` are modalities that the item has but that aren't encoded yet.
    """

    item: Item
    digest: str
    text: TokenVectors | None
    image: TokenVectors | None
    fused: Embeddings | None
    fused_key: str
    pending: frozenset[Modality]
    older_fused: tuple[Embeddings, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredDigest:
    """Enough of a record to see whether an item has changed."""

    revision: int
    digest: str
    pending: frozenset[Modality]


@dataclass(frozen=True, slots=True)
class PutResult:
    """What became of a record, and the item's revision now."""

    outcome: Literal["created", "updated", "unchanged"]
    revision: int


@dataclass(frozen=True, slots=True)
class StoredHistory:
    """A user's recent window, the oldest first and ties by item id, and all items ever seen."""

    events: list[Event]
    seen: frozenset[str]


@dataclass(frozen=True, slots=True)
class Namespace:
    """A catalogue. Its partition count is fixed when it is made: it decides in which slot a name lies."""

    name: str
    partitions: int
