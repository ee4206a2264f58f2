"""What users did. The whole of a user lies in one slot; each accepted batch of a user's events is one script."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from modalmesh.types import Event
from modalmesh_gateway.store.codec import dump_json
from modalmesh_gateway.store.keys import UserSlot
from modalmesh_gateway.store.namespaces import Namespaces, user_slot
from modalmesh_gateway.store.records import Namespace, StoredHistory
from modalmesh_gateway.store.scripts import RECORD_EVENTS, Argument, Command
from modalmesh_gateway.store.server import Server

# Enough events to make a script worth its call, few enough that it holds the server up for a few milliseconds.
_SCRIPT_EVENTS = 500
_ID_HASH_BYTES = 16


@dataclass(slots=True)
class _Batch:
    """One user's events, and where they stand in the caller's list."""

    user_id: str
    positions: list[int] = field(default_factory=list)
    arguments: list[Argument] = field(default_factory=list)


class Histories:
    """Every method raises Unavailable when the server can't be reached."""

    def __init__(self, server: Server, namespaces: Namespaces, *, window: int, log_length: int) -> None:
        self._server = server
        self._namespaces = namespaces
        self._window = window
        self._log_length = log_length

    async def record(self, namespace: str, events: Sequence[Event], positive: Sequence[bool]) -> list[bool]:
        """Whether each event is recorded now; False: this user's event of that id was recorded before."""
        found = await self._namespaces.ensure(namespace)
        batches = list(_batches(events, positive))
        if not batches:
            return []
        answers = await self._server.write([self._command(found, batch) for batch in batches])
        recorded = [False] * len(events)
        for batch, answer in zip(batches, answers, strict=True):
            for position, is_new in zip(batch.positions, answer, strict=True):
                recorded[position] = bool(is_new)
        return recorded

    async def history(self, namespace: str, user_id: str) -> StoredHistory:
        """Empty for a user without events."""
        found = await self._namespaces.get(namespace)
        if found is None:
            return StoredHistory([], frozenset())
        slot = user_slot(found, user_id)
        commands: list[Command] = [("ZRANGE", slot.recent(user_id), 0, -1), ("SMEMBERS", slot.seen(user_id))]
        recent, seen = await self._server.run(commands)
        events = sorted((_read_event(user_id, member) for member in recent), key=_order)
        return StoredHistory(events, frozenset(item_id.decode() for item_id in seen))

    async def counts(self, namespace: str) -> dict[str, int]:
        """Positive events by item, of all users and all time."""
        slots = await self._namespaces.user_slots(namespace)
        totals: Counter[str] = Counter()
        for counts in await self._server.run([("HGETALL", slot.counts) for slot in slots]):
            totals.update({item_id.decode(): int(count) for item_id, count in counts.items()})
        return dict(totals)

    async def event_total(self, namespace: str) -> int:
        """Events of all users and all time: each has moved its slot's sequence on by one."""
        slots = await self._namespaces.user_slots(namespace)
        return sum(int(number or 0) for number in await self._server.run([("GET", slot.sequence) for slot in slots]))

    def _command(self, namespace: Namespace, batch: _Batch) -> Command:
        slot = user_slot(namespace, batch.user_id)
        arguments = [batch.user_id, self._window, self._log_length, *batch.arguments]
        return RECORD_EVENTS.call(_user_keys(slot, batch.user_id), arguments)


def _user_keys(slot: UserSlot, user_id: str) -> list[str]:
    per_user = [slot.event_ids(user_id), slot.recent(user_id), slot.seen(user_id)]
    return [*per_user, slot.counts, slot.log, slot.sequence]


def _batches(events: Sequence[Event], positive: Sequence[bool]) -> Iterator[_Batch]:
    """Events by user, in their order."""
    open_batches: dict[str, _Batch] = {}
    for position, (event, is_positive) in enumerate(zip(events, positive, strict=True)):
        batch = open_batches.setdefault(event.user_id, _Batch(event.user_id))
        batch.positions.append(position)
        batch.arguments += _event_arguments(event, is_positive)
        if len(batch.positions) == _SCRIPT_EVENTS:
            yield open_batches.pop(event.user_id)
    yield from open_batches.values()


def _event_arguments(event: Event, is_positive: bool) -> list[Argument]:
    """As record_events.lua takes them. Ids are kept as hashes: 16 bytes instead of up to 256, for ever."""
    id_hash = hashlib.blake2b(event.event_id.encode(), digest_size=_ID_HASH_BYTES).digest()
    payload = dump_json([event.time_ms, event.event_id, event.type, event.value])
    return [id_hash, event.time_ms, event.item_id, int(is_positive), payload]


def _read_event(user_id: str, member: bytes) -> Event:
    """JSON holds no zero byte: what stands before the last one is the item's id."""
    item_id, _, payload = member.rpartition(b"\0")
    time_ms, event_id, kind, value = json.loads(payload)
    return Event(user_id, item_id.decode(), time_ms, kind, value, event_id)


def _order(event: Event) -> tuple[int, str, str]:
    return event.time_ms, event.item_id, event.event_id
