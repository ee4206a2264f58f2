"""Long inputs travel in chunks bounded by count and bytes; answers are put together again."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from modalmesh import convert
from modalmesh.client.channel import MAX_MESSAGE_BYTES
from modalmesh.errors import InvalidInput, TooLarge
from modalmesh.types import Event, Item, RecordSummary, Refusal, UpsertSummary
from modalmesh.v1 import types_pb2 as messages

MAX_REFUSED = 1000
"""As many refusals as a summary lists; it counts them all."""

_ROOM = 1024
"""Bytes kept for what a request holds beside its entries (namespace, tags and lengths)."""

_LONGEST_ID = 256
"""Characters of an id that a refusal repeats; the gateway takes no longer one."""

Value = TypeVar("Value", Item, Event)
MessageOf = TypeVar("MessageOf", messages.Item, messages.Event)


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one request takes: entries, and bytes (one larger entry travels alone)."""

    count: int
    size: int
    entry: int = MAX_MESSAGE_BYTES - _ROOM


ITEM_LIMITS = Limits(count=256, size=16 * 1024 * 1024)
EVENT_LIMITS = Limits(count=2000, size=1024 * 1024)


@dataclass(slots=True)
class Chunk(Generic[MessageOf]):
    """Entries of one request, where each stood in the caller's input, and what was refused on the way."""

    messages: list[MessageOf] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    size: int = 0

    def add(self, message: MessageOf, position: int, size: int) -> None:
        self.messages.append(message)
        self.positions.append(position)
        self.size += size

    def is_full(self, coming: int, limits: Limits) -> bool:
        """Whether an entry of `coming` bytes must go into the next chunk."""
        return len(self.messages) >= limits.count or (bool(self.messages) and self.size + coming > limits.size)

    def place(self, refusals: Iterable[Refusal]) -> tuple[Refusal, ...]:
        """All that was refused of this chunk, here and by the gateway, by its position in the caller's input."""
        placed = self.refused + [self._placed(refusal) for refusal in refusals]
        return tuple(sorted(placed, key=lambda refusal: refusal.position))

    def _placed(self, refusal: Refusal) -> Refusal:
        # A path such as events[3].value counts within this chunk; the position says it for the whole.
        field_alone = refusal.field.removeprefix(f"events[{refusal.position}].")
        return replace(refusal, position=self.positions[refusal.position], field=field_alone)


def item_chunks(items: Iterable[Item], limits: Limits = ITEM_LIMITS) -> Iterator[Chunk[messages.Item]]:
    """Chunks of `items`, which are read one at a time; the second of two equal ids is refused.

    Several chunks are under way at once and each is a request of its own, so no gateway could see the pair.
    """
    seen: set[str] = set()

    def encode(item: Item) -> messages.Item:
        if item.item_id in seen:
            raise InvalidInput("item_id", f"{item.item_id!r} came before in this stream", reason="DUPLICATE_ID")
        message = convert.item_to_proto(item)
        seen.add(item.item_id)
        return message

    return _chunks(items, encode, lambda item: item.item_id, limits)


def event_chunks(events: Iterable[Event], limits: Limits = EVENT_LIMITS) -> Iterator[Chunk[messages.Event]]:
    return _chunks(events, convert.event_to_proto, lambda event: event.event_id, limits)


def _chunks(
    values: Iterable[Value], encode: Callable[[Value], MessageOf], id_of: Callable[[Value], str], limits: Limits
) -> Iterator[Chunk[MessageOf]]:
    chunk: Chunk[MessageOf] = Chunk()
    for position, value in enumerate(values):
        try:
            message = encode(value)
            size = _size(message, limits)
        except ValueError as error:  # what no message can hold, such as half of a surrogate pair
            chunk.refused.append(_refusal(InvalidInput("", str(error)), id_of(value), position))
            continue
        except InvalidInput as error:
            chunk.refused.append(_refusal(error, id_of(value), position))
            continue
        if chunk.is_full(size, limits):
            yield chunk
            chunk = Chunk()
        chunk.add(message, position, size)
    if chunk.messages or chunk.refused:
        yield chunk


def _size(message: messages.Item | messages.Event, limits: Limits) -> int:
    size = message.ByteSize()
    if size > limits.entry:
        raise TooLarge("item", f"takes {size:,} bytes, at most {limits.entry:,} fit into a message")
    return size


def _refusal(error: InvalidInput, value_id: str, position: int) -> Refusal:
    valid = value_id if len(value_id) <= _LONGEST_ID else ""
    return Refusal(valid, position, error.field, error.reason, error.detail)


def merge_upserts(summaries: Iterable[UpsertSummary]) -> UpsertSummary:
    """The sum; of the refusals the first MAX_REFUSED."""
    total = UpsertSummary()
    for summary in summaries:
        total = UpsertSummary(
            created=total.created + summary.created,
            updated=total.updated + summary.updated,
            unchanged=total.unchanged + summary.unchanged,
            refused=(*total.refused, *summary.refused)[:MAX_REFUSED],
            refused_count=total.refused_count + summary.refused_count,
            encoded_texts=total.encoded_texts + summary.encoded_texts,
            encoded_images=total.encoded_images + summary.encoded_images,
            cache_hits=total.cache_hits + summary.cache_hits,
            pending=total.pending + summary.pending,
            truncated=total.truncated + summary.truncated,
        )
    return total


def merge_records(summaries: Sequence[RecordSummary]) -> RecordSummary:
    return RecordSummary(
        recorded=sum(summary.recorded for summary in summaries),
        duplicates=sum(summary.duplicates for summary in summaries),
        refused=tuple(refusal for summary in summaries for refusal in summary.refused),
    )


def place_upsert(chunk: Chunk[messages.Item], summary: UpsertSummary) -> UpsertSummary:
    """A chunk's summary as part of the whole: positions are the caller's, local refusals are counted."""
    refused = chunk.place(summary.refused)
    return replace(summary, refused=refused, refused_count=summary.refused_count + len(chunk.refused))


def place_record(chunk: Chunk[messages.Event], summary: RecordSummary) -> RecordSummary:
    return replace(summary, refused=chunk.place(summary.refused))
