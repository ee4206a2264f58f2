"""Following a namespace's changes by its streams: a broken connection loses nothing.

Every entry of a stream carries a number that goes up by one, so that a gap is seen whatever made it: a trimmed
stream, a server that was emptied, or one that was restored from a backup.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from modalmesh_gateway.store.namespaces import Namespaces
from modalmesh_gateway.store.scripts import Command
from modalmesh_gateway.store.server import Server

_READ_ENTRIES = 1000
_BLOCK_SECONDS = 0.5
_POLL_SECONDS = 0.1

_Entries: TypeAlias = Mapping[str, Sequence[tuple[bytes, Mapping[bytes, bytes]]]]
"""Ids and fields of entries, by stream."""


@dataclass(frozen=True, slots=True)
class Position:
    """A stream's last known entry: Redis's id, and our number. Before the first entry both are zero."""

    entry_id: str = "0-0"
    number: int = 0

    @property
    def order(self) -> tuple[int, ...]:
        return tuple(map(int, self.entry_id.split("-")))


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a follower has read, by stream."""

    items: Mapping[str, Position]
    users: Mapping[str, Position]

    @property
    def event_total(self) -> int:
        """Events recorded in this namespace up to here."""
        return sum(position.number for position in self.users.values())


@dataclass(frozen=True, slots=True)
class Change:
    """What happened since the cursor before: `item_ids` were written or deleted (read them to see which).

    `counts` are positive events of all time by item, for the items whose count has changed. An empty
    change says that nothing has happened.
    """

    cursor: Cursor
    item_ids: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def event_total(self) -> int:
        return self.cursor.event_total


@dataclass(frozen=True, slots=True)
class Resync:
    """Changes were lost: take a new cursor, then read everything again."""

    reason: str


class _LostChanges(Exception):
    """A stream doesn't continue where the cursor is."""


class Changes:
    """Every method raises Unavailable when the server can't be reached."""

    def __init__(self, server: Server, namespaces: Namespaces) -> None:
        self._server = server
        self._namespaces = namespaces

    async def cursor(self, namespace: str) -> Cursor:
        """Where the streams end now. Take it before reading everything: what changes meanwhile comes afterwards."""
        await self._namespaces.refresh(namespace)
        items = [slot.changes for slot in await self._namespaces.item_slots(namespace)]
        users = [slot.log for slot in await self._namespaces.user_slots(namespace)]
        ends = await self._ends([*items, *users])
        return Cursor({key: ends[key] for key in items}, {key: ends[key] for key in users})

    async def follow(self, namespace: str, cursor: Cursor) -> AsyncGenerator[Change | Resync, None]:
        """All changes after `cursor`, for ever; at least one Change, maybe empty, every half second.

        Each Change has its own cursor: after a failure, follow again from the last one. Ends after a Resync.
        """
        while True:
            entries = await self._read(cursor)
            try:
                if not entries:
                    _check_ends(cursor, await self._ends([*cursor.items, *cursor.users]))
                cursor = Cursor(_advance(cursor.items, entries), _advance(cursor.users, entries))
            except _LostChanges as lost:
                yield Resync(str(lost))
                return
            yield await self._change(namespace, cursor, entries)

    async def _change(self, namespace: str, cursor: Cursor, entries: _Entries) -> Change:
        written = [fields for key in cursor.items for _, fields in entries.get(key, ())]
        events = [fields for key in cursor.users for _, fields in entries.get(key, ())]
        counted = {fields[b"item"] for fields in events if fields[b"positive"] == b"1"}
        return Change(
            cursor=cursor,
            item_ids=tuple(dict.fromkeys(fields[b"id"].decode() for fields in written)),
            counts=await self._counts(namespace, sorted(counted)) if counted else {},
        )

    async def _counts(self, namespace: str, item_ids: Sequence[bytes]) -> dict[str, int]:
        """Totals as they are now, so that hearing of an event twice counts it once."""
        slots = await self._namespaces.user_slots(namespace)
        answers = await self._server.run([("HMGET", slot.counts, *item_ids) for slot in slots])
        return {
            item_id.decode(): sum(int(count or 0) for count in counts)
            for item_id, counts in zip(item_ids, zip(*answers, strict=True), strict=True)
        }

    async def _read(self, cursor: Cursor) -> _Entries:
        """New entries by stream; none when there are none for a while.

        One blocking read over all streams where that is possible. A cluster takes no command with keys of several
        slots: there each stream is read by a command of its own, again and again.
        """
        facts = await self._server.known_facts()
        positions = {**cursor.items, **cursor.users}
        if not facts.is_cluster:
            command = _read_command(positions, block_ms=int(_BLOCK_SECONDS * 1000))
            return _by_stream(await self._server.run([command], patience_seconds=_BLOCK_SECONDS))
        for _ in range(int(_BLOCK_SECONDS / _POLL_SECONDS)):
            commands = [_read_command({key: position}) for key, position in positions.items()]
            entries = _by_stream(await self._server.run(commands))
            if entries:
                return entries
            await asyncio.sleep(_POLL_SECONDS)
        return {}

    async def _ends(self, keys: Sequence[str]) -> dict[str, Position]:
        answers = await self._server.run([("XREVRANGE", key, "+", "-", "COUNT", 1) for key in keys])
        return {
            key: _position(*entries[0]) if entries else Position() for key, entries in zip(keys, answers, strict=True)
        }


def _read_command(positions: Mapping[str, Position], block_ms: int | None = None) -> Command:
    block: Command = () if block_ms is None else ("BLOCK", block_ms)
    ids = [position.entry_id for position in positions.values()]
    return ("XREAD", "COUNT", _READ_ENTRIES, *block, "STREAMS", *positions, *ids)


def _by_stream(answers: Sequence[Any]) -> _Entries:
    return {key.decode(): entries for answer in answers for key, entries in answer or ()}


def _position(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Position:
    return Position(entry_id.decode(), int(fields[b"n"]))


def _advance(positions: Mapping[str, Position], entries: _Entries) -> dict[str, Position]:
    """Positions after `entries`.

    Raises:
        _LostChanges: a stream's entries don't continue where its position is.
    """
    advanced = dict(positions)
    for key in positions.keys() & entries.keys():
        for entry in entries[key]:
            following = _position(*entry)
            if following.number != advanced[key].number + 1:
                raise _LostChanges(f"{key} goes on with {following.number} after {advanced[key].number}")
            advanced[key] = following
    return advanced


def _check_ends(cursor: Cursor, ends: Mapping[str, Position]) -> None:
    """A server that was emptied or restored has streams that end before the cursor, and says nothing of it."""
    for key, position in {**cursor.items, **cursor.users}.items():
        if ends[key].order < position.order:
            raise _LostChanges(f"{key} ends before {position.entry_id}")
