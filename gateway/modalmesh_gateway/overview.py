"""GetStatus and GetEmbeddings: what there is. Knows no grpc and no protobuf."""

import asyncio
from collections.abc import AsyncIterator

from modalmesh import __version__
from modalmesh.types import CacheStatus, NamespaceStatus, Status
from modalmesh_gateway.building import Basis
from modalmesh_gateway.encoding import Embedder
from modalmesh_gateway.parts import PartMonitor
from modalmesh_gateway.ports import FuseInput, Visual
from modalmesh_gateway.store import Store
from modalmesh_gateway.views import NamespaceView, Views


class Overview:
    def __init__(
        self, store: Store, views: Views, monitor: PartMonitor, text: Embedder[str], image: Embedder[Visual]
    ) -> None:
        self._store = store
        self._views = views
        self._monitor = monitor
        self._text = text
        self._image = image

    async def status(self) -> Status:
        """Asks every service and the store anew; what doesn't answer within a second is not serving."""
        store, _ = await asyncio.gather(self._store.status(), self._monitor.refresh_all())
        text, image = self._text.counters, self._image.counters
        return Status(
            version=__version__,
            services=self._monitor.statuses(),
            store=store,
            namespaces=[namespace_status(view) for view in sorted(self._views.all(), key=lambda view: view.name)],
            cache=CacheStatus(text.hits + image.hits, text.misses + image.misses, text.encoded, image.encoded),
        )

    async def embeddings(self, view: NamespaceView, basis: Basis) -> AsyncIterator[list[FuseInput]]:
        """All items with the vectors of the models served now, in chunks; items without any are left out.

        Raises:
            Unavailable: the store can't be reached.
        """
        async for records in self._store.catalogue.scan(view.name):
            inputs = [basis.input_of(record) for record in records]
            yield [each for each in inputs if each.text or each.image]


def namespace_status(view: NamespaceView) -> NamespaceStatus:
    entries = list(view.index.entries())
    return NamespaceStatus(
        namespace=view.name,
        items=len(entries),
        with_text=sum(entry.text_fingerprint != "" for entry in entries),
        with_image=sum(entry.image_fingerprint != "" for entry in entries),
        pending=view.index.pending,
        events=view.events,
        index_age_ms=view.age_ms,
        loading=not view.loaded.is_set(),
    )
