"""Every call is counted and timed, has a request id, and leaves a line when it fails."""

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

import grpc
from google.protobuf import descriptor_pool

from modalmesh.status import REQUEST_ID_KEY
from modalmesh_services.common.handlers import Context, Handler, behaviour_of, with_behaviour, within
from modalmesh_services.common.observability.access_log import AccessLog
from modalmesh_services.common.observability.call_metrics import CallMetrics, MethodMetrics
from modalmesh_services.common.observability.current_call import CurrentCall, current_call, enter_call
from modalmesh_services.common.observability.request_id import accepted, new_request_id
from modalmesh_services.common.observability.serving_spans import traced
from modalmesh_services.common.observability.status_names import status_name
from modalmesh_services.common.observability.tracing import active


def list_methods(services: Iterable[str], metrics: CallMetrics) -> None:
    """Count the methods of these services from nothing on, so that their first call is seen as one more."""
    pool = descriptor_pool.Default()
    for service in services:
        with suppress(KeyError):
            for method in pool.FindServiceByName(service).methods:
                metrics.of(
                    f"/{service}/{method.name}",
                    request_streaming=method.client_streaming,
                    response_streaming=method.server_streaming,
                )


class ObservingInterceptor(grpc.aio.ServerInterceptor):
    """The outermost: it sees what all others make of a call. gRPC's own services are left alone."""

    def __init__(self, metrics: CallMetrics) -> None:
        self._metrics = metrics
        self._log = AccessLog()
        self._observed: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        # gRPC asks for every call, in the task that then serves it.
        observed = self._observed.get(details.method)
        if observed is None:
            handler = await continuation(details)
            if handler is None or details.method.startswith("/grpc."):
                return handler
            self._observed[details.method] = observed = self._observe(handler, details.method)
        enter_call(CurrentCall(details.method, _request_id(details)))
        return observed

    def _observe(self, handler: Handler, method: str) -> Handler:
        metrics = self._metrics.of(
            method, request_streaming=handler.request_streaming, response_streaming=handler.response_streaming
        )

        @contextmanager
        def observed(context: Context) -> Iterator[None]:
            begun = _begin(context, metrics)
            try:
                yield
            except BaseException as error:
                _end(status_name(error, context), begun, method, metrics, self._log)
                raise
            _end(status_name(None, context), begun, method, metrics, self._log)

        behaviour = within(observed, behaviour_of(handler), streaming=handler.response_streaming)
        if tracing := active():
            behaviour = traced(tracing, behaviour, method, streaming=handler.response_streaming)
        return with_behaviour(handler, behaviour, handler.request_deserializer)


def _begin(context: Context, metrics: MethodMetrics) -> float:
    metrics.started += 1
    metrics.in_flight += 1
    if call := current_call():
        context.set_trailing_metadata(((REQUEST_ID_KEY, call.request_id),))
    return time.monotonic()


def _request_id(details: grpc.HandlerCallDetails) -> str:
    for key, value in details.invocation_metadata or ():
        if key == REQUEST_ID_KEY:
            return accepted(value)
    return new_request_id()


def _end(code: str, begun: float, method: str, metrics: MethodMetrics, log: AccessLog) -> None:
    seconds = time.monotonic() - begun
    metrics.in_flight -= 1
    metrics.handled[code] += 1
    metrics.seconds.add(seconds)
    if code != "OK":
        log.failed(method, code, seconds)
