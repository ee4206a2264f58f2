"""Items in: checked, embedded, fused, written, indexed. Knows no grpc and no protobuf."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from modalmesh.errors import InvalidInput
from modalmesh.types import Item, Refusal, UpsertSummary
from modalmesh_gateway.building import Basis, BuildResult, Built, PreparedItem, RecordBuilder, prepare
from modalmesh_gateway.parts import PartMonitor
from modalmesh_gateway.store import Store
from modalmesh_gateway.validation import MAX_ITEMS, check_count, check_item, check_namespace, valid_id
from modalmesh_gateway.views import NamespaceView, Views
from modalmesh_services.common.deadline import Deadline

_LISTED_REFUSALS = 1000


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some items of a stream."""

    namespace: str
    items: Sequence[Item]


@dataclass(slots=True)
class _Tally:
    """Counts one stream."""

    counts: dict[str, int] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    refused_count: int = 0

    def add(self, name: str, number: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + number

    def refuse(self, item_id: str, position: int, error: InvalidInput) -> None:
        self.refused_count += 1
        if len(self.refused) < _LISTED_REFUSALS:
            self.refused.append(Refusal(item_id, position, error.field, error.reason, error.detail))

    def add_build(self, result: BuildResult) -> None:
        self.add("encoded_texts", result.encoded_texts)
        self.add("encoded_images", result.encoded_images)
        self.add("cache_hits", result.cache_hits)
        self.add("truncated", result.truncated)

    def summary(self) -> UpsertSummary:
        refused = sorted(self.refused, key=lambda refusal: refusal.position)
        return UpsertSummary(refused=refused, refused_count=self.refused_count, **self.counts)


def current_basis(view: NamespaceView, monitor: PartMonitor) -> Basis:
    """The models served now; of a part that never answered since the start, the one that most items have."""
    spaces = view.index.spaces
    return Basis(
        ranker_revision=monitor.fingerprint("fusion-ranker"),
        text_fingerprint=monitor.fingerprint("text-encoder") or spaces["text"].fullest_fingerprint,
        image_fingerprint=monitor.fingerprint("image-encoder") or spaces["image"].fullest_fingerprint,
    )


class Ingest:
    """UpsertItems and DeleteItems."""

    def __init__(
        self,
        store: Store,
        views: Views,
        monitor: PartMonitor,
        builder: RecordBuilder,
        *,
        chunks_in_flight: int,
        encode_seconds: float,
    ) -> None:
        self._store = store
        self._views = views
        self._monitor = monitor
        self._builder = builder
        self._chunks_in_flight = chunks_in_flight
        self._encode_seconds = encode_seconds

    async def upsert(self, chunks: AsyncIterator[Chunk], deadline: Deadline) -> UpsertSummary:
        """Take a stream of chunks, several at once. What a chunk holds is on disk when the summary is there.

        Raises:
            InvalidInput: a namespace is no namespace; a chunk, or the whole stream, is empty or too large.
            Unavailable: the store can't be reached; what was written before stays, and may be sent again.
        """
        tally = _Tally()
        known_ids: set[str] = set()
        position = 0
        slots = asyncio.Semaphore(self._chunks_in_flight)
        try:
            async with asyncio.TaskGroup() as group:
                async for chunk in chunks:
                    check_namespace(chunk.namespace)
                    check_count(chunk.items, "items", MAX_ITEMS)
                    view = await self._views.ensure(chunk.namespace)
                    accepted = self._check(chunk, position, known_ids, tally)
                    position += len(chunk.items)
                    await slots.acquire()
                    task = group.create_task(self._take(view, accepted, tally, deadline))
                    task.add_done_callback(lambda _: slots.release())
        except BaseExceptionGroup as failed:
            # One error is the caller's answer; the chunks beside it were cancelled because of it.
            raise failed.exceptions[0] from None
        if not position:
            raise InvalidInput("items", "is empty", reason="EMPTY")
        return tally.summary()

    async def delete(self, view: NamespaceView, item_ids: Sequence[str]) -> set[str]:
        """The ids that existed."""
        deleted = await self._store.catalogue.delete(view.name, item_ids)
        await self._views.refresh(view, list(deleted))
        return deleted

    def _check(self, chunk: Chunk, position: int, known_ids: set[str], tally: _Tally) -> dict[int, Item]:
        """The good items of a chunk by their position in the stream."""
        accepted: dict[int, Item] = {}
        for number, item in enumerate(chunk.items, start=position):
            try:
                check_item(item)
                name = f"{chunk.namespace}\0{item.item_id}"
                if name in known_ids:
                    raise InvalidInput("item_id", "appeared before in this stream", reason="DUPLICATE_ID")
            except InvalidInput as error:
                tally.refuse(valid_id(item.item_id), number, error)
                continue
            known_ids.add(name)
            accepted[number] = item
        return accepted

    async def _take(self, view: NamespaceView, accepted: dict[int, Item], tally: _Tally, deadline: Deadline) -> None:
        deadline.check()
        changed = await self._changed(view, {number: prepare(item) for number, item in accepted.items()}, tally)
        if not changed:
            return
        basis = current_basis(view, self._monitor)
        limited = Deadline.after(min(self._encode_seconds, deadline.remaining))
        result = await self._builder.build(list(changed.values()), basis, limited)
        tally.add_build(result)
        built = list(zip(changed, result.built, strict=True))
        for number, each in built:
            self._refuse_fields(number, each, tally)
        kept = [each for _, each in built if each.record is not None]
        await self._write(view, kept, tally)

    async def _changed(
        self, view: NamespaceView, prepared: dict[int, PreparedItem], tally: _Tally
    ) -> dict[int, PreparedItem]:
        """Leave out what is stored with the same content and complete."""
        stored = await self._store.catalogue.digests(view.name, [each.item.item_id for each in prepared.values()])
        changed: dict[int, PreparedItem] = {}
        for number, each in prepared.items():
            before = stored.get(each.item.item_id)
            if before and before.digest == each.digest and not before.pending and self._is_current(view, each.item):
                tally.add("unchanged")
            else:
                changed[number] = each
        return changed

    def _is_current(self, view: NamespaceView, item: Item) -> bool:
        """Whether the item's vectors are of the models served now, as far as that is known."""
        entry = view.index.get(item.item_id)
        return entry is None or all(
            had == "" or served in ("", had)
            for had, served in (
                (entry.text_fingerprint, self._monitor.fingerprint("text-encoder")),
                (entry.image_fingerprint, self._monitor.fingerprint("image-encoder")),
            )
        )

    def _refuse_fields(self, number: int, built: Built, tally: _Tally) -> None:
        item_id = built.prepared.item.item_id
        for error in built.refused:
            tally.refuse(item_id, number, error)
        if built.record is None:
            error = InvalidInput("item", "nothing of it could be encoded", reason="NO_MODALITY")
            tally.refuse(item_id, number, error)

    async def _write(self, view: NamespaceView, built: Sequence[Built], tally: _Tally) -> None:
        records = [each.record for each in built if each.record is not None]
        if not records:
            return
        contents = {
            content_hash: visual.content
            for each in built
            if each.record is not None and "image" in each.record.pending
            for content_hash, visual in each.prepared.visual_contents.items()
        }
        outcomes = await self._store.catalogue.put(view.name, records, contents)
        for record, outcome in zip(records, outcomes, strict=True):
            tally.add(outcome.outcome)
            tally.add("pending", int(bool(record.pending)))
        await self._views.refresh(view, [record.item.item_id for record in records])
