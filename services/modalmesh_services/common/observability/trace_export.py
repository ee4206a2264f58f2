"""Where traces go, as OpenTelemetry's own environment variables say."""

import os
import threading
from typing import TYPE_CHECKING

from modalmesh_services.common.observability import tracing

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_EXPORTER = "OTEL_TRACES_EXPORTER"
# What is left to send may be lost: a collector that is away must not hold up a stop.
_FLUSH_SECONDS = 2.0


def wanted_exporter() -> str:
    """`otlp`, `console`, or empty where no traces are wanted.

    Raises:
        ValueError: another one is asked for.
    """
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ""
    name = os.environ.get(_EXPORTER, "").strip().lower()
    if name == "none":
        return ""
    if name in ("otlp", "console"):
        return name
    if name:
        raise ValueError(f"{_EXPORTER}: takes otlp, console or none, got {name!r}")
    return "otlp" if any(os.environ.get(endpoint) for endpoint in _ENDPOINTS) else ""


class TraceExport:
    """Sends this process's traces from its start to its stop, where they are wanted. `service` is its name in them."""

    def __init__(self, service: str) -> None:
        """Raises:
        ValueError: they are wanted otherwise than can be had, or OpenTelemetry isn't installed.
        """
        self._exporter = wanted_exporter()
        if not self._exporter:
            return
        try:
            provider = _provider(service, self._exporter)
        except ImportError:
            raise ValueError(
                f"traces are asked for ({_EXPORTER} or {_ENDPOINTS[0]}), which needs: pip install 'modalmesh[tracing]'"
            ) from None
        except Exception as error:
            # OpenTelemetry reads its variables itself, and has an error of its own for each that it can't take.
            raise ValueError(f"traces can't be sent as OpenTelemetry's variables (OTEL_...) ask: {error}") from error
        self._provider = provider
        tracing.use(tracing.Tracing(provider))

    def close(self) -> None:
        """Send what is left, for as long as a stop may take."""
        if not self._exporter:
            return
        tracing.use(None)
        flushing = threading.Thread(target=self._provider.shutdown, daemon=True)
        flushing.start()
        flushing.join(_FLUSH_SECONDS)


def _provider(service: str, exporter_name: str) -> "TracerProvider":
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

    exporter: SpanExporter
    if exporter_name == "console":
        exporter = ConsoleSpanExporter()
    else:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter()
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win.
    name = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": service}
    resource = Resource.create({"service.namespace": "modalmesh", **name})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider
