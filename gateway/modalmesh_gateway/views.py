"""Namespaces as this gateway sees them: an index each, following the store. Knows no grpc and no protobuf."""

import asyncio
import logging
import time
from collections.abc import Sequence

from modalmesh.errors import NotFound, Unavailable
from modalmesh.types import Lack
from modalmesh_gateway.index import ItemIndex
from modalmesh_gateway.store import Change, Cursor, Resync, Store
from modalmesh_gateway.tasks import TaskGroup

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.5
_RETRY_SECONDS = 0.5


class NamespaceView:
    """One namespace's index and how far it can be trusted."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.index = ItemIndex()
        self.events = 0
        self.loaded = asyncio.Event()
        self.connected = False
        self.refreshing = asyncio.Lock()
        self._synced_at = time.monotonic()

    @property
    def age_ms(self) -> int:
        """Since the store last confirmed the index."""
        return int((time.monotonic() - self._synced_at) * 1000)

    def mark_synced(self) -> None:
        self.connected = True
        self._synced_at = time.monotonic()

    def lacked(self) -> list[Lack]:
        """What answers from the index lack: nothing, or the store."""
        return [] if self.connected else [Lack("redis", "UNAVAILABLE")]


class Views:
    """All namespaces. Each is loaded once, then follows its change streams for ever."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._views: dict[str, NamespaceView] = {}
        self._tasks = TaskGroup()

    def all(self) -> Sequence[NamespaceView]:
        return list(self._views.values())

    async def ensure(self, namespace: str) -> NamespaceView:
        """The view of a namespace, made on first use.

        Raises:
            Unavailable: the store can't be reached.
        """
        if namespace not in self._views:
            await self._store.namespaces.ensure(namespace)
            self._open(namespace)
        return self._views[namespace]

    async def require(self, namespace: str, wait_seconds: float) -> NamespaceView:
        """The loaded view of a namespace that exists.

        Raises:
            NotFound: there is no such namespace.
            Unavailable: the store can't be reached and the namespace isn't known, or it isn't loaded yet.
        """
        view = self._views.get(namespace)
        if view is None:
            if await self._store.namespaces.get(namespace) is None:
                raise NotFound(f"namespace: there is no namespace {namespace!r}", reason="UNKNOWN_NAMESPACE")
            view = self._open(namespace)
        try:
            await asyncio.wait_for(view.loaded.wait(), wait_seconds)
        except TimeoutError:
            raise Unavailable(
                "redis", f"the index of {namespace!r} is not loaded yet", reason="INDEX_LOADING"
            ) from None
        return view

    async def refresh(self, view: NamespaceView, item_ids: Sequence[str]) -> None:
        """Take items into the index as the store has them now, once a reading that is under way is done.

        So an older state of an item, or one that was deleted meanwhile, never replaces a newer one.

        Raises:
            Unavailable: the store can't be reached; the items come with the change stream.
        """
        async with view.refreshing:
            records = await self._store.catalogue.get(view.name, item_ids)
            for item_id in item_ids:
                record = records.get(item_id)
                if record is None:
                    view.index.remove(item_id)
                else:
                    view.index.upsert(record)

    async def run(self) -> None:
        """Find namespaces that other gateways made, for ever."""
        while True:
            try:
                for namespace in await self._store.namespaces.all():
                    self._open(namespace.name)
            except Unavailable:
                # The followers report it; here it only means to look again.
                logger.debug("namespaces can't be listed now")
            await asyncio.sleep(_POLL_SECONDS)

    async def close(self) -> None:
        await self._tasks.close()

    def _open(self, namespace: str) -> NamespaceView:
        view = self._views.get(namespace)
        if view is None:
            view = self._views[namespace] = NamespaceView(namespace)
            self._tasks.start(self._follow(view), name=f"follow {namespace}")
        return view

    async def _follow(self, view: NamespaceView) -> None:
        cursor: Cursor | None = None
        while True:
            try:
                if cursor is None:
                    cursor = await self._load(view)
                async for change in self._store.changes.follow(view.name, cursor):
                    if isinstance(change, Resync):
                        logger.warning("%s: the change streams were cut; loading all anew", view.name)
                        cursor = None
                        break
                    await self._apply(view, change)
                    cursor = change.cursor
                    view.mark_synced()
            except Unavailable as error:
                if view.connected:
                    logger.warning("%s: lost the store: %s", view.name, error.message)
                view.connected = False
                await asyncio.sleep(_RETRY_SECONDS)

    async def _load(self, view: NamespaceView) -> Cursor:
        """Read everything into a new index, then switch to it. Changes from before the cursor are in what is read."""
        async with view.refreshing:
            cursor = await self._store.changes.cursor(view.name)
            index = ItemIndex()
            async for records in self._store.catalogue.scan(view.name):
                for record in records:
                    index.upsert(record)
            index.set_counts(await self._store.histories.counts(view.name))
            index.adopt_wanted(view.index)
            view.index = index
        view.events = cursor.event_total
        view.mark_synced()
        view.loaded.set()
        logger.info("%s: %d items loaded", view.name, len(index))
        return cursor

    async def _apply(self, view: NamespaceView, change: Change) -> None:
        if change.item_ids:
            await self.refresh(view, change.item_ids)
        if change.counts:
            view.index.set_counts(change.counts)
        view.events = change.event_total
