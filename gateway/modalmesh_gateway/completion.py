"""Completes what was left waiting: pending modalities, and fused vectors of a new model. Knows no grpc."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from modalmesh.errors import ModalmeshError
from modalmesh_gateway.building import Basis, PreparedItem, RecordBuilder, prepare
from modalmesh_gateway.index import Entry, ItemIndex
from modalmesh_gateway.ingest import current_basis
from modalmesh_gateway.parts import PART_FAILURES, PartMonitor
from modalmesh_gateway.ports import Visual
from modalmesh_gateway.store import ItemRecord, Store
from modalmesh_gateway.views import NamespaceView, Views
from modalmesh_services.common.deadline import Deadline

logger = logging.getLogger(__name__)

_BATCH = 256


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look through a namespace depends on: where nothing was to be done, nothing is until one of it changes."""

    index: ItemIndex
    changes: int
    basis: Basis
    serving: frozenset[str]


class Completion:
    """Looks through every namespace again and again. Several gateways may do the same work: writes are compared."""

    def __init__(
        self,
        store: Store,
        views: Views,
        monitor: PartMonitor,
        builder: RecordBuilder,
        *,
        pause_seconds: float,
        batch_seconds: float,
    ) -> None:
        self._store = store
        self._views = views
        self._monitor = monitor
        self._builder = builder
        self._pause_seconds = pause_seconds
        self._batch_seconds = batch_seconds
        self._settled: dict[str, _Look] = {}

    async def run(self) -> None:
        """Complete for ever; a failure is logged and tried again."""
        while True:
            for view in self._views.all():
                try:
                    await self.complete(view)
                except ModalmeshError as error:
                    logger.warning("%s: completion waits: %s", view.name, error.message)
            await asyncio.sleep(self._pause_seconds)

    async def complete(self, view: NamespaceView) -> None:
        """One look at one namespace.

        Raises:
            Unavailable: the store can't be reached.
        """
        if not view.loaded.is_set() or not view.connected:
            return
        basis = current_basis(view, self._monitor)
        wanted = {"text": basis.text_fingerprint, "image": basis.image_fingerprint, "fused": basis.model.fingerprint}
        if "fused" in view.index.want(wanted):
            await self._store.catalogue.drop_fused(view.name, basis.model.fingerprint)
        look = _Look(view.index, view.index.changes, basis, self._monitor.all_serving())
        if self._settled.get(view.name) == look:
            return
        worked = await self._encode_waiting(view, basis)
        if self._monitor.serving("fusion-ranker"):
            worked |= await self._fuse_outdated(view, basis)
        if not worked:
            self._settled[view.name] = look

    async def _encode_waiting(self, view: NamespaceView, basis: Basis) -> bool:
        """Whether there was anything to do."""
        texts = self._monitor.serving("text-encoder")
        waiting = [
            entry.item.item_id
            for entry in view.index.entries()
            if self._can_encode(entry) or (texts and _is_outdated(entry.text_fingerprint, basis.text_fingerprint))
        ]
        for ids in _batches(waiting):
            records = await self._store.catalogue.get(view.name, ids)
            items = [prepared for record in records.values() if (prepared := await self._restore(view, record))]
            if items:
                await self._build(view, items, records, basis)
        return bool(waiting)

    def _can_encode(self, entry: Entry) -> bool:
        return any(self._monitor.serving(f"{modality}-encoder") for modality in entry.item.pending)

    async def _restore(self, view: NamespaceView, record: ItemRecord) -> PreparedItem | None:
        """An item with its contents as far as they were kept; None when nothing can be encoded now."""
        prepared = prepare(record.item)
        visuals: dict[str, Visual] = {}
        if "image" in record.pending and self._monitor.serving("image-encoder"):
            hashes = [source.content_hash for source in prepared.visuals]
            videos = {video.content_hash for video in record.item.videos}
            kept = await self._store.catalogue.contents(view.name, record.item.item_id, hashes)
            visuals = {name: Visual(content, name in videos) for name, content in kept.items()}
        texts = prepared.text_contents if self._monitor.serving("text-encoder") else {}
        if not visuals and not texts:
            return None
        return replace(prepared, stored=record, text_contents=texts, visual_contents=visuals)

    async def _build(
        self, view: NamespaceView, items: Sequence[PreparedItem], records: dict[str, ItemRecord], basis: Basis
    ) -> None:
        result = await self._builder.build(items, basis, Deadline.after(self._batch_seconds))
        completed: list[ItemRecord] = []
        for each in result.built:
            before = records[each.prepared.item.item_id]
            for error in each.refused:
                logger.warning("%s: item %r: %s", view.name, before.item.item_id, error.message)
            # An item of which nothing can be encoded stays in the catalogue: it was accepted, as what it was.
            after = each.record or replace(before, pending=frozenset(), item=replace(before.item, pending=()))
            after = replace(after, digest=before.digest)
            if after.pending != before.pending or _models(after) != _models(before):
                completed.append(after)
        await self._store.catalogue.complete(view.name, completed)
        await self._views.refresh(view, list(records))

    async def _fuse_outdated(self, view: NamespaceView, basis: Basis) -> bool:
        """Whether there was anything to do."""
        outdated = [
            entry.item.item_id
            for entry in view.index.entries()
            if entry.fused_fingerprint != basis.model.fingerprint
            and (
                entry.text_fingerprint == basis.text_fingerprint != ""
                or entry.image_fingerprint == basis.image_fingerprint != ""
            )
        ]
        if outdated:
            logger.info("%s: fusing %d items for ranker %s", view.name, len(outdated), basis.ranker_revision)
        for ids in _batches(outdated):
            records = await self._store.catalogue.get(view.name, ids)
            try:
                fused = await self._builder.fuse(list(records.values()), basis, Deadline.after(self._batch_seconds))
            except PART_FAILURES as error:
                logger.warning("%s: fusing waits: %s", view.name, error.message)
                break
            # Beside the vectors of the model before, which go on serving until all items have the new one.
            await self._store.catalogue.put_fused(view.name, fused)
            await self._views.refresh(view, ids)
        return bool(outdated)


def _is_outdated(had: str, served: str) -> bool:
    return had != "" and served not in ("", had)


def _models(record: ItemRecord) -> tuple[str, str, str]:
    return (
        record.text.embeddings.model.fingerprint if record.text else "",
        record.image.embeddings.model.fingerprint if record.image else "",
        record.fused.model.fingerprint if record.fused else "",
    )


def _batches(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH)]
