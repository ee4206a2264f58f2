"""What content is called: hashes of texts, pictures, items. Knows no grpc and no protobuf."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

from modalmesh.types import Event, Item

_HASH_BYTES = 20


def text_hash(text: str) -> str:
    return _digest(b"text:", text.encode())


def image_hash(content: bytes) -> str:
    return _digest(b"image:", content)


def video_hash(content: bytes) -> str:
    return _digest(b"video:", content)


def item_digest(item: Item) -> str:
    """Covers all that the caller gave; pictures and videos by their `content_hash`."""
    given = [
        item.title,
        item.description,
        list(item.tags),
        [[p.name, p.kind, p.content_hash] for p in item.pictures],
        [[v.name, v.content_hash] for v in item.videos],
        _sorted_attributes(item.attributes),
        item.time_ms,
    ]
    return _digest(b"item:", _canonical(given))


def fused_key(item: Item, embedding_keys: Iterable[tuple[str, str]], missing: Iterable[str]) -> str:
    """Names what a fused vector was made from, beside item and ranker revision.

    `embedding_keys` are (model fingerprint, content hash) of the item's tokens.
    """
    made_from = [sorted(embedding_keys), _sorted_attributes(item.attributes), item.time_ms, sorted(missing)]
    return _digest(b"fused:", _canonical(made_from))


def space_hash(*fingerprints: str) -> str:
    """The name of a space that several models made together."""
    return _digest(b"space:", _canonical(list(fingerprints)))


def event_id(event: Event) -> str:
    """The id of an event that came without one: the same event twice has the same id."""
    return _digest(b"event:", _canonical([event.user_id, event.item_id, event.time_ms, event.type, event.value]))


def _sorted_attributes(attributes: Mapping[str, Sequence[str]]) -> list[list[object]]:
    return [[name, list(attributes[name])] for name in sorted(attributes)]


def _canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _digest(prefix: bytes, content: bytes) -> str:
    return hashlib.blake2b(prefix + content, digest_size=_HASH_BYTES).hexdigest()
