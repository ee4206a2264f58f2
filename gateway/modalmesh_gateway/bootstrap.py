"""The one place where the gateway is put together; tests hand in fakes."""

from collections import Counter
from dataclasses import dataclass

import grpc

from modalmesh.positive import PositiveRule
from modalmesh_gateway.building import RecordBuilder
from modalmesh_gateway.completion import Completion
from modalmesh_gateway.encoding import Embedder
from modalmesh_gateway.events import Recording
from modalmesh_gateway.explaining.explaining import Explaining
from modalmesh_gateway.explaining.naming import Naming
from modalmesh_gateway.explaining.parts import Parts
from modalmesh_gateway.ingest import Ingest
from modalmesh_gateway.overview import Overview
from modalmesh_gateway.parts import PartMonitor
from modalmesh_gateway.ports import Encoder, Ranker, Visual
from modalmesh_gateway.recommend import Recommending
from modalmesh_gateway.retrieval import Retrieval
from modalmesh_gateway.search import Searching
from modalmesh_gateway.services import GrpcImageEncoder, GrpcRanker, GrpcTextEncoder, close_all, open_channel
from modalmesh_gateway.settings import GatewaySettings
from modalmesh_gateway.store import Store
from modalmesh_gateway.tasks import TaskGroup
from modalmesh_gateway.telemetry import GatewayCollector
from modalmesh_gateway.views import Views


@dataclass(frozen=True, slots=True)
class Services:
    """The other services, and how to let go of them."""

    text: Encoder[str]
    image: Encoder[Visual]
    ranker: Ranker
    channels: tuple[grpc.aio.Channel, ...] = ()


class Gateway:
    """The core: use cases over one store and three services, and the tasks that keep it current."""

    def __init__(self, settings: GatewaySettings, store: Store, services: Services) -> None:
        self.settings = settings
        self.store = store
        self._services = services
        self._tasks = TaskGroup()
        self.monitor = PartMonitor([services.text, services.image, services.ranker])
        self.views = Views(store)
        text = Embedder(services.text, store.cache, self.monitor, lambda text: len(text.encode()))
        image = Embedder(services.image, store.cache, self.monitor, lambda visual: len(visual.content), batch_inputs=64)
        builder = RecordBuilder(text, image, services.ranker)
        positive = PositiveRule(settings.positive_rating)
        retrieval = Retrieval(
            services.ranker,
            positive,
            retrieve=settings.retrieve,
            part_seconds=settings.part_seconds,
        )
        self.ingest = Ingest(
            store,
            self.views,
            self.monitor,
            builder,
            chunks_in_flight=settings.chunks_in_flight,
            encode_seconds=settings.encode_seconds,
        )
        self.recording = Recording(store, positive)
        self.recommending = Recommending(store, retrieval, services.ranker)
        naming = Naming(services.ranker, Parts(services.text, services.image), part_seconds=settings.part_seconds)
        self.explaining = Explaining(store, retrieval, services.ranker, naming, self.monitor)
        self.searching = Searching(text, image)
        # By what answers lacked; what may be away is there from the start, so that the first time is seen as one more.
        self.degraded = Counter(dict.fromkeys(("redis", *self.monitor.names), 0))
        embedders = {"text": text.counters, "image": image.counters}
        self.metrics = GatewayCollector(embedders, self.degraded, self.views, self.monitor, store.metrics)
        self.overview = Overview(store, self.views, self.monitor, text, image)
        self._completion = Completion(
            store,
            self.views,
            self.monitor,
            builder,
            pause_seconds=settings.completion_seconds,
            batch_seconds=settings.encode_seconds,
        )

    async def start(self) -> None:
        """Ready at once, whatever else is up: the tasks find services, store and namespaces when they are there."""
        await self.monitor.refresh_all()
        self._tasks.start(self.monitor.run(), name="monitor")
        self._tasks.start(self.views.run(), name="namespaces")
        self._tasks.start(self._completion.run(), name="completion")

    async def stop(self) -> None:
        await self._tasks.close()
        await self.views.close()
        await close_all(self._services.channels)
        await self.store.close()


def connect(settings: GatewaySettings) -> Gateway:
    """A gateway over a real store and real services; nothing is contacted before it starts."""
    store = Store(
        settings.redis_url,
        settings.cache_url or None,
        partitions=settings.partitions,
        cache_ttl_seconds=int(settings.cache_ttl_days * 24 * 3600),
        history_window=settings.history_window,
        log_length=settings.log_length,
        timeout_seconds=settings.redis_seconds,
    )
    addresses = (settings.text_encoder, settings.image_encoder, settings.fusion_ranker)
    channels = tuple(open_channel(address, settings.max_message_bytes, settings.services_tls) for address in addresses)
    text, image, ranker = channels
    services = Services(
        GrpcTextEncoder(settings.text_encoder, text),
        GrpcImageEncoder(settings.image_encoder, image),
        GrpcRanker(settings.fusion_ranker, ranker),
        channels,
    )
    return Gateway(settings, store, services)
