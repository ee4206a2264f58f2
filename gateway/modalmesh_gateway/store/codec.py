"""Item records to the fields of a Redis hash and back. Metadata is JSON, vectors are bytes.

revision    counts the item's changes; written by the scripts
digest      hash of all that the caller gave
pending     modalities not encoded yet, sorted, joined by commas
item        the item as JSON, without contents, revision and what is pending
text        vectors; text_model their fingerprint, text_rows labels and content hashes as JSON
image       likewise
fused       fingerprint of the space fused into last
fused:F     vector in space F; fused_key:F names what it was made from
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from modalmesh.embeddings import Embeddings
from modalmesh.errors import InternalError
from modalmesh.types import Item, Modality, Picture, Video
from modalmesh_gateway.store.records import ItemRecord, StoredDigest, TokenVectors
from modalmesh_gateway.store.vectors import CorruptValueError, decode_vectors, encode_vectors

Fields = Mapping[bytes, bytes]
DIGEST_FIELDS = ("revision", "digest", "pending")

_MODALITIES: tuple[Modality, ...] = ("image", "text")


_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def dump_json(value: object) -> str:
    return _encoder.encode(value)


def encode_pending(pending: Iterable[Modality]) -> str:
    return ",".join(sorted(pending))


def decode_pending(value: bytes) -> frozenset[Modality]:
    names = value.decode().split(",")
    return frozenset(modality for modality in _MODALITIES if modality in names)


def fingerprint_of(vectors: TokenVectors | None) -> str:
    return vectors.embeddings.model.fingerprint if vectors else ""


def encode_record(record: ItemRecord) -> list[str | bytes]:
    """Names and values of a record's fields in turn, all but the revision."""
    fields: list[str | bytes] = ["digest", record.digest, "pending", encode_pending(record.pending)]
    fields += ["item", dump_json(_item_to_json(record.item))]
    for name, vectors in (("text", record.text), ("image", record.image)):
        if vectors is not None:
            fields += [name, encode_vectors(vectors.embeddings), f"{name}_model", fingerprint_of(vectors)]
            fields += [f"{name}_rows", dump_json([vectors.labels, vectors.content_hashes])]
    if record.fused is not None:
        model = record.fused.model.fingerprint
        fields += ["fused", model, f"fused:{model}", encode_vectors(record.fused)]
        fields += [f"fused_key:{model}", record.fused_key]
    return fields


def decode_record(item_id: str, fields: Fields) -> ItemRecord:
    """Read an item's fields.

    Raises:
        InternalError: they aren't what `encode_record` made.
    """
    try:
        return _decode(item_id, fields)
    except (CorruptValueError, KeyError, ValueError) as error:
        raise InternalError(f"the stored record of item {item_id!r} is broken: {error}") from error


def decode_digest(values: Iterable[bytes]) -> StoredDigest:
    """Read the values of DIGEST_FIELDS."""
    revision, digest, pending = values
    return StoredDigest(int(revision), digest.decode(), decode_pending(pending))


def _decode(item_id: str, fields: Fields) -> ItemRecord:
    pending = decode_pending(fields[b"pending"])
    model = fields.get(b"fused")
    return ItemRecord(
        item=_item_from_json(item_id, json.loads(fields[b"item"]), int(fields[b"revision"]), pending),
        digest=fields[b"digest"].decode(),
        text=_decode_tokens(fields, b"text"),
        image=_decode_tokens(fields, b"image"),
        fused=decode_vectors(fields[b"fused:" + model]) if model is not None else None,
        fused_key=fields[b"fused_key:" + model].decode() if model is not None else "",
        pending=pending,
        older_fused=_decode_older(fields, model),
    )


def _decode_tokens(fields: Fields, name: bytes) -> TokenVectors | None:
    if name not in fields:
        return None
    labels, content_hashes = json.loads(fields[name + b"_rows"])
    return TokenVectors(decode_vectors(fields[name]), tuple(labels), tuple(content_hashes))


def _decode_older(fields: Fields, current: bytes | None) -> tuple[Embeddings, ...]:
    older = sorted(name for name in fields if name.startswith(b"fused:") and name != b"fused:" + (current or b""))
    return tuple(decode_vectors(fields[name]) for name in older)


def _item_to_json(item: Item) -> dict[str, Any]:
    """Empty fields are left out."""
    fields = {
        "title": item.title,
        "description": item.description,
        "tags": list(item.tags),
        "pictures": [[picture.name, picture.kind, picture.content_hash] for picture in item.pictures],
        "videos": [[video.name, video.content_hash] for video in item.videos],
        "attributes": {name: list(values) for name, values in item.attributes.items()},
    }
    given: dict[str, Any] = {name: value for name, value in fields.items() if value}
    return given if item.time_ms is None else {**given, "time_ms": item.time_ms}


def _item_from_json(item_id: str, fields: Mapping[str, Any], revision: int, pending: frozenset[Modality]) -> Item:
    return Item(
        item_id=item_id,
        title=fields.get("title", ""),
        description=fields.get("description", ""),
        tags=tuple(fields.get("tags", ())),
        pictures=tuple(
            Picture(name=name, kind=kind, content_hash=content_hash)
            for name, kind, content_hash in fields.get("pictures", ())
        ),
        videos=tuple(Video(name=name, content_hash=content_hash) for name, content_hash in fields.get("videos", ())),
        attributes={name: tuple(values) for name, values in fields.get("attributes", {}).items()},
        time_ms=fields.get("time_ms"),
        revision=revision,
        pending=tuple(sorted(pending)),
    )
