"""The gateway's metrics in Prometheus' format. Read in a thread of their own, from plain numbers. Knows no grpc."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from modalmesh_gateway.encoding import EmbedderCounters
from modalmesh_gateway.parts import PartMonitor
from modalmesh_gateway.store import ServerMetrics
from modalmesh_gateway.views import Views
from modalmesh_services.common.observability.telemetry import buckets

_PREFIX = "modalmesh_gateway"
Family = TypeVar("Family", CounterMetricFamily, GaugeMetricFamily)


class GatewayCollector(Collector):
    """`embedders` by modality, `degraded` by what answers lacked, `servers` by what they keep: records or cache."""

    def __init__(
        self,
        embedders: Mapping[str, EmbedderCounters],
        degraded: Counter[str],
        views: Views,
        monitor: PartMonitor,
        servers: Mapping[str, ServerMetrics],
    ) -> None:
        self._embedders = embedders
        self._degraded = degraded
        self._views = views
        self._monitor = monitor
        self._servers = servers

    def collect(self) -> Iterator[Metric]:
        yield from self._cache()
        yield _counter("degraded", "Answers, by what they lacked", "lacked", list(self._degraded.items()))
        yield from self._namespaces()
        parts = [(part.name, float(part.serving)) for part in self._monitor.statuses()]
        yield _gauge("part_up", "1 while another service answers", "part", parts)
        yield from self._redis()

    def _cache(self) -> Iterator[Metric]:
        embedders = self._embedders.items()
        hits = [(modality, counters.hits) for modality, counters in embedders]
        misses = [(modality, counters.misses) for modality, counters in embedders]
        encoded = [(modality, counters.encoded) for modality, counters in embedders]
        yield _counter("cache_hits", "Contents whose vectors were cached", "modality", hits)
        yield _counter("cache_misses", "Contents whose vectors were not", "modality", misses)
        yield _counter("encoded", "Contents that an encoder gave vectors of", "modality", encoded)

    def _namespaces(self) -> Iterator[Metric]:
        views = self._views.all()
        ages = [(view.name, view.age_ms / 1000) for view in views]
        items = [(view.name, float(len(view.index))) for view in views]
        pending = [(view.name, float(view.index.pending)) for view in views]
        yield _gauge("index_age_seconds", "Since Redis last confirmed the index", "namespace", ages)
        yield _gauge("index_items", "Items in the index", "namespace", items)
        yield _gauge("pending_items", "Items that wait for an encoder or the ranker", "namespace", pending)

    def _redis(self) -> Iterator[Metric]:
        servers = self._servers.items()
        yield _gauge(
            "redis_up", "1 while Redis answers", "keeps", [(keeps, float(server.up)) for keeps, server in servers]
        )
        failures = [(keeps, server.failures) for keeps, server in servers]
        yield _counter("redis_failures", "Round trips that failed", "keeps", failures)
        seconds = HistogramMetricFamily(
            f"{_PREFIX}_redis_seconds", "Round trips that don't wait for news", labels=["keeps"]
        )
        for keeps, server in servers:
            seconds.add_metric([keeps], buckets(server.seconds), server.seconds.sum)
        yield seconds


def _counter(name: str, text: str, label: str, values: Sequence[tuple[str, float]]) -> CounterMetricFamily:
    return _filled(CounterMetricFamily(f"{_PREFIX}_{name}", text, labels=[label]), values)


def _gauge(name: str, text: str, label: str, values: Sequence[tuple[str, float]]) -> GaugeMetricFamily:
    return _filled(GaugeMetricFamily(f"{_PREFIX}_{name}", text, labels=[label]), values)


def _filled(family: Family, values: Sequence[tuple[str, float]]) -> Family:
    for value, number in values:
        family.add_metric([value], number)
    return family
