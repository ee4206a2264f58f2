"""Metrics in Prometheus' format. Knows no grpc."""

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from modalmesh_services.common.engine.metrics import EngineMetrics
from modalmesh_services.common.observability.call_metrics import CallMetrics
from modalmesh_services.common.observability.distribution import Distribution


def process_registry() -> CollectorRegistry:
    """What every process tells: memory, processor time, open files, garbage collection, Python's version."""
    registry = CollectorRegistry()
    for collector in (ProcessCollector, GCCollector, PlatformCollector):
        collector(registry=registry)
    return registry


class CallCollector(Collector):
    """Shows a server's calls, by the names that dashboards for gRPC know."""

    def __init__(self, metrics: CallMetrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        labels = ["grpc_type", "grpc_service", "grpc_method"]
        started = CounterMetricFamily("grpc_server_started", "Calls that were begun", labels=labels)
        handled = CounterMetricFamily(
            "grpc_server_handled", "Calls that ended, by status code", labels=[*labels, "grpc_code"]
        )
        seconds = HistogramMetricFamily("grpc_server_handling_seconds", "From begin to end", labels=labels)
        in_flight = GaugeMetricFamily("grpc_server_in_flight", "Begun and not ended", labels=labels[1:])
        for method in self._metrics.all():
            names = [method.call_type, method.service, method.method]
            started.add_metric(names, method.started)
            for code, count in list(method.handled.items()):
                handled.add_metric([*names, code], count)
            seconds.add_metric(names, buckets(method.seconds), method.seconds.sum)
            in_flight.add_metric(names[1:], method.in_flight)
        yield from (started, handled, seconds, in_flight)


class EngineCollector(Collector):
    """Shows an encoder's engine. `unit` is what its costs and lengths count, such as tokens."""

    def __init__(self, metrics: EngineMetrics, unit: str) -> None:
        self._metrics = metrics
        self._unit = unit

    def collect(self) -> Iterator[Metric]:
        metrics, unit = self._metrics, self._unit
        yield GaugeMetricFamily("modalmesh_encoder_healthy", "0 while the model fails on everything", metrics.healthy)
        yield GaugeMetricFamily("modalmesh_encoder_devices", "What computes at once", metrics.devices)
        yield GaugeMetricFamily("modalmesh_encoder_queue_inputs", "Admitted, not answered", metrics.queue_inputs)
        yield GaugeMetricFamily("modalmesh_encoder_queue_cost", "The same by cost", metrics.queue_cost)
        yield _counter("inputs", "Inputs that were answered", metrics.inputs)
        yield _counter("joined", "Inputs that were in flight already", metrics.joined)
        yield _counter("failures", "Inputs on which the model failed", metrics.failures)
        # The share of its time that a device is busy is the rate of this by the number of devices.
        yield _counter("device_seconds", "Time that devices were busy", metrics.device_seconds)
        yield _counter(f"computed_{unit}", f"{unit.capitalize()} on the device, padding included", metrics.computed)
        yield _counter(f"real_{unit}", f"{unit.capitalize()} on the device, without padding", metrics.real)
        yield _histogram("queue_seconds", "From admission to the device", metrics.queue_seconds)
        yield _histogram(f"batch_{unit}", f"{unit.capitalize()} of a batch, padding included", metrics.batch_cost)
        refusals = CounterMetricFamily("modalmesh_encoder_refusals", "Inputs not encoded, by reason", labels=["reason"])
        for reason, count in list(metrics.refusals.items()):
            refusals.add_metric([reason], count)
        yield refusals


def _counter(name: str, text: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(f"modalmesh_encoder_{name}", text, value)


def _histogram(name: str, text: str, distribution: Distribution) -> HistogramMetricFamily:
    return HistogramMetricFamily(f"modalmesh_encoder_{name}", text, buckets(distribution), distribution.sum)


def buckets(distribution: Distribution) -> list[tuple[str, float]]:
    """As Prometheus has them: each holds what is in those below it."""
    bounds = [*(str(bound) for bound in distribution.bounds), "+Inf"]
    return list(zip(bounds, map(float, accumulate(distribution.counts)), strict=True))
