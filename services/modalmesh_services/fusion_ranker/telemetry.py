"""The ranker's metrics in Prometheus' format. Knows no grpc."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from modalmesh_services.common.observability.telemetry import buckets
from modalmesh_services.fusion_ranker.worker import WorkerMetrics


class WorkerCollector(Collector):
    """Shows the ranker's one thread and what waits for it."""

    def __init__(self, metrics: WorkerMetrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        metrics, waited = self._metrics, self._metrics.queue_seconds
        yield GaugeMetricFamily("modalmesh_ranker_queue_calls", "Admitted, not answered", metrics.queue_calls)
        yield GaugeMetricFamily("modalmesh_ranker_queue_bytes", "The same by their requests", metrics.queue_bytes)
        yield HistogramMetricFamily(
            "modalmesh_ranker_queue_seconds", "From admission to the model", buckets(waited), waited.sum
        )
        yield CounterMetricFamily("modalmesh_ranker_busy_seconds", "Time that the model worked", metrics.busy_seconds)
        yield CounterMetricFamily("modalmesh_ranker_refusals", "Calls for which was no room", metrics.refusals)
