"""A collector of traces: OTLP's own service, over gRPC, which keeps what it gets."""

import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector(TraceServiceServicer):
    """Spans by trace id, each with the service that sent it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._traces: dict[str, list[tuple[str, Span]]] = defaultdict(list)
        self._server = grpc.server(ThreadPoolExecutor(4))
        add: Any = add_TraceServiceServicer_to_server  # it has no types
        add(self, self._server)
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def Export(self, request: ExportTraceServiceRequest, context: Any) -> ExportTraceServiceResponse:  # noqa: N802
        with self._lock:
            for resource in request.resource_spans:
                attributes = {each.key: each.value.string_value for each in resource.resource.attributes}
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        self._traces[span.trace_id.hex()].append((attributes["service.name"], span))
        return ExportTraceServiceResponse()

    def trace(self, trace_id: str) -> list[tuple[str, Span]]:
        with self._lock:
            return list(self._traces[trace_id])

    def stop(self) -> None:
        self._server.stop(0).wait()


def attribute(span: Span, name: str) -> Any:
    """Its value; None where there is none."""
    for each in span.attributes:
        if each.key == name:
            return getattr(each.value, str(each.value.WhichOneof("value")))
    return None
