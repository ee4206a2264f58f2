"""A namespace's items. Each write is one script in the item's slot, many of them in one pipeline."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from modalmesh.embeddings import Embeddings
from modalmesh_gateway.store.codec import (
    DIGEST_FIELDS,
    decode_digest,
    decode_record,
    encode_pending,
    encode_record,
    fingerprint_of,
)
from modalmesh_gateway.store.keys import ItemSlot
from modalmesh_gateway.store.namespaces import Namespaces, item_slot
from modalmesh_gateway.store.paging import PageStart, make_token, read_token
from modalmesh_gateway.store.records import ItemRecord, Namespace, PutResult, StoredDigest
from modalmesh_gateway.store.scripts import DELETE_ITEM, DROP_FUSED, PUT_FUSED, WRITE_ITEM, Command
from modalmesh_gateway.store.server import Server
from modalmesh_gateway.store.vectors import encode_vectors

_SCAN_ITEMS = 256
# Longer than any work on an item takes.
_REMEMBER_GONE_SECONDS = 24 * 3600


class Catalogue:
    """Every method raises Unavailable when the server can't be reached. Reading an unknown namespace finds nothing."""

    def __init__(self, server: Server, namespaces: Namespaces, *, log_length: int) -> None:
        self._server = server
        self._namespaces = namespaces
        self._log_length = log_length

    async def digests(self, namespace: str, item_ids: Sequence[str]) -> dict[str, StoredDigest]:
        """Of the ids that exist."""
        answers = await self._of_each(namespace, item_ids, lambda key: ("HMGET", key, *DIGEST_FIELDS))
        return {item_id: decode_digest(values) for item_id, values in answers.items() if values[0] is not None}

    async def get(self, namespace: str, item_ids: Sequence[str]) -> dict[str, ItemRecord]:
        """The records of the ids that exist."""
        answers = await self._of_each(namespace, item_ids, lambda key: ("HGETALL", key))
        return {item_id: decode_record(item_id, fields) for item_id, fields in answers.items() if fields}

    async def put(
        self, namespace: str, records: Sequence[ItemRecord], contents: Mapping[str, bytes] | None = None
    ) -> list[PutResult]:
        """Write records as their items' new content, each as one atomic step; one result a record.

        `contents` (content hash to bytes) is kept for what is pending. A record that is stored already and brings
        nothing new (no modality completed, no other model's vectors) changes nothing; neither does one of the same
        content that would lose what is stored.
        """
        found = await self._namespaces.ensure(namespace)
        commands = [self._write(found, record, None, contents or {}) for record in records]
        answers = await self._server.write(commands)
        return [PutResult(outcome.decode(), int(revision)) for outcome, revision in answers]

    async def complete(self, namespace: str, records: Sequence[ItemRecord]) -> list[bool]:
        """Write the vectors of items that are still as they were, each as one atomic step; False for one that isn't.

        As it was: the record's revision, the same digest, and waiting for at least what the record waits for. The
        revision stays. Contents that nothing waits for any more are dropped.
        """
        found = await self._namespaces.ensure(namespace)
        answers = await self._server.write([self._write(found, each, each.item.revision, {}) for each in records])
        return [outcome == b"completed" for outcome, _ in answers]

    async def put_fused(self, namespace: str, records: Sequence[ItemRecord]) -> list[bool]:
        """Add each record's vector of another space beside the item's others, where it has one.

        False when the item has another revision or is gone, or has a vector of that space made from something else.
        """
        found = await self._namespaces.ensure(namespace)
        commands = [self._add_fused(found, each, each.fused) for each in records if each.fused]
        answers = iter(await self._server.write(commands))
        return [bool(next(answers)) if each.fused else False for each in records]

    async def drop_fused(self, namespace: str, keep_revision: str) -> int:
        """Drop all fused vectors but those whose model's fingerprint is `keep_revision`; how many there were."""
        dropped = 0
        for slot in await self._namespaces.item_slots(namespace):
            async for item_ids in self._ids(slot):
                command = DROP_FUSED.call([slot.item(item_id) for item_id in item_ids], [keep_revision])
                (number,) = await self._server.write([command])
                dropped += int(number)
        return dropped

    async def delete(self, namespace: str, item_ids: Sequence[str]) -> set[str]:
        """The ids that existed."""
        found = await self._namespaces.get(namespace)
        if found is None or not item_ids:
            return set()
        unique = list(dict.fromkeys(item_ids))
        answers = await self._server.write([self._delete(found, item_id) for item_id in unique])
        return {item_id for item_id, existed in zip(unique, answers, strict=True) if existed}

    async def scan(self, namespace: str) -> AsyncIterator[list[ItemRecord]]:
        """All items in chunks, by partition and id. What comes or goes meanwhile may be in it or not."""
        for slot in await self._namespaces.item_slots(namespace):
            async for item_ids in self._ids(slot):
                yield list((await self.get(namespace, item_ids)).values())

    async def page(self, namespace: str, page_size: int, token: str) -> tuple[list[ItemRecord], str]:
        """A page of items by partition and id, and the next page's token, empty on the last.

        Items that come or go meanwhile move no others from one page to another.

        Raises:
            InvalidInput: the token isn't one of this namespace.
        """
        found = await self._namespaces.get(namespace)
        if found is None:
            return [], ""
        start = read_token(found, token)
        ids = await self._ids_from(found, start, page_size + 1)
        records = await self.get(namespace, [item_id for _, item_id in ids[:page_size]])
        following = make_token(found, PageStart(*ids[page_size - 1])) if len(ids) > page_size else ""
        return list(records.values()), following

    async def pending(self, namespace: str, limit: int) -> list[str]:
        """Some ids of items that wait for an encoder, drawn at random so that a hopeless one delays no other."""
        slots = await self._namespaces.item_slots(namespace)
        answers = await self._server.run([("SRANDMEMBER", slot.pending, limit) for slot in slots])
        longest = max(map(len, answers), default=0)
        drawn = [ids[turn].decode() for turn in range(longest) for ids in answers if turn < len(ids)]
        return drawn[:limit]

    async def contents(self, namespace: str, item_id: str, hashes: Sequence[str]) -> dict[str, bytes]:
        """The contents kept for a pending item, by hash; those that are gone are left out."""
        found = await self._namespaces.get(namespace)
        if found is None or not hashes:
            return {}
        key = item_slot(found, item_id).contents(item_id)
        (answer,) = await self._server.run([("HMGET", key, *hashes)])
        return {name: value for name, value in zip(hashes, answer, strict=True) if value is not None}

    async def count(self, namespace: str) -> int:
        slots = await self._namespaces.item_slots(namespace)
        return sum(await self._server.run([("ZCARD", slot.ids) for slot in slots]))

    async def _of_each(
        self, namespace: str, item_ids: Sequence[str], command: Callable[[str], Command]
    ) -> dict[str, Any]:
        """The answer to one command an item; `command` makes it of the item's key."""
        found = await self._namespaces.get(namespace)
        if found is None:
            return {}
        unique = list(dict.fromkeys(item_ids))
        answers = await self._server.run([command(item_slot(found, item_id).item(item_id)) for item_id in unique])
        return dict(zip(unique, answers, strict=True))

    async def _ids(self, slot: ItemSlot) -> AsyncIterator[list[str]]:
        """All ids of a slot in order, in chunks."""
        last = ""
        while True:
            (ids,) = await self._server.run([_range(slot, last, _SCAN_ITEMS)])
            if not ids:
                return
            found = [item_id.decode() for item_id in ids]
            yield found
            last = found[-1]

    async def _ids_from(self, namespace: Namespace, start: PageStart, limit: int) -> list[tuple[int, str]]:
        """At most `limit` (partition, id) after `start`."""
        slots = [ItemSlot.of(namespace.name, number) for number in range(start.partition, namespace.partitions)]
        counts = await self._server.run([("ZLEXCOUNT", slots[0].ids, _after(start.item_id), "+")])
        counts += await self._server.run([("ZCARD", slot.ids) for slot in slots[1:]])
        commands: list[Command] = []
        for slot, count in zip(slots, counts, strict=True):
            commands.append(_range(slot, "" if commands else start.item_id, limit))
            limit -= int(count)
            if limit <= 0:
                break
        answers = await self._server.run(commands)
        return [(start.partition + turn, item_id.decode()) for turn, ids in enumerate(answers) for item_id in ids]

    def _write(
        self, namespace: Namespace, record: ItemRecord, expected: int | None, contents: Mapping[str, bytes]
    ) -> Command:
        """The one script that writes an item, as new content or as completion of the revision `expected`."""
        item_id = record.item.item_id
        slot = item_slot(namespace, item_id)
        fields = encode_record(record)
        needed = _needed_contents(record)
        kept: list[str | bytes] = []
        for content_hash in needed:
            if content_hash in contents:
                kept += [content_hash, contents[content_hash]]
        arguments = (
            item_id,
            "" if expected is None else str(expected),
            record.digest,
            encode_pending(record.pending),
            fingerprint_of(record.text),
            fingerprint_of(record.image),
            record.fused.model.fingerprint if record.fused else "",
            self._log_length,
            len(fields),
            len(needed),
        )
        return WRITE_ITEM.call(_item_keys(slot, item_id), [*arguments, *fields, *needed, *kept])

    def _add_fused(self, namespace: Namespace, record: ItemRecord, fused: Embeddings) -> Command:
        item = record.item
        slot = item_slot(namespace, item.item_id)
        made: Command = (fused.model.fingerprint, encode_vectors(fused), record.fused_key)
        arguments: Command = (item.item_id, str(item.revision), *made, self._log_length)
        return PUT_FUSED.call([slot.item(item.item_id), slot.changes, slot.sequence], arguments)

    def _delete(self, namespace: Namespace, item_id: str) -> Command:
        keys = _item_keys(item_slot(namespace, item_id), item_id)
        return DELETE_ITEM.call(keys, [item_id, self._log_length, _REMEMBER_GONE_SECONDS])


def _item_keys(slot: ItemSlot, item_id: str) -> list[str]:
    per_item = [slot.contents(item_id), slot.gone(item_id)]
    return [slot.item(item_id), slot.ids, slot.pending, *per_item, slot.changes, slot.sequence]


def _needed_contents(record: ItemRecord) -> list[str]:
    """Hashes of the pictures and videos that wait for the encoder: texts are in the record itself."""
    if "image" not in record.pending:
        return []
    encoded = set(record.image.content_hashes if record.image else ())
    hashes = [picture.content_hash for picture in record.item.pictures]
    hashes += [video.content_hash for video in record.item.videos]
    return [content_hash for content_hash in dict.fromkeys(hashes) if content_hash not in encoded]


def _after(item_id: str) -> str:
    """The beginning of a range of ids: behind `item_id`, or before all others."""
    return f"({item_id}" if item_id else "-"


def _range(slot: ItemSlot, last: str, limit: int) -> Command:
    return ("ZRANGEBYLEX", slot.ids, _after(last), "+", "LIMIT", 0, limit)
