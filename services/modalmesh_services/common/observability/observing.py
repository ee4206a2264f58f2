"""Every call is counted and timed, has a request id, and leaves a line when it fails."""

import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partial

import grpc
from google.protobuf import descriptor_pool

from modalmesh.status import REQUEST_ID_KEY
from modalmesh_services.common.handlers import Around, Context, Handler
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


class CallObserver:
    """Sees every call that a server gets, from its begin to what the caller is answered."""

    def __init__(self, metrics: CallMetrics) -> None:
        self._metrics = metrics
        self._log = AccessLog()

    def enter(self, details: grpc.HandlerCallDetails) -> None:
        """A call begins: to be said in the task that serves it."""
        enter_call(CurrentCall(details.method, _request_id(details)))

    def around(self, handler: Handler, method: str) -> Around:
        """What a method's calls are to be done within."""
        metrics = self._metrics.of(
            method, request_streaming=handler.request_streaming, response_streaming=handler.response_streaming
        )
        observed = partial(_Observed, method, metrics, self._log)
        tracing = active()
        return traced(tracing, observed, method) if tracing else observed


class _Observed:
    """A call under way. No generator, which would take as long again."""

    __slots__ = ("_begun", "_context", "_log", "_method", "_metrics")

    def __init__(self, method: str, metrics: MethodMetrics, log: AccessLog, context: Context) -> None:
        self._method = method
        self._metrics = metrics
        self._log = log
        self._context = context
        self._begun = time.monotonic()

    def __enter__(self) -> None:
        self._metrics.started += 1
        self._metrics.in_flight += 1
        if call := current_call():
            self._context.set_trailing_metadata(((REQUEST_ID_KEY, call.request_id),))

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        code, seconds = status_name(error, self._context), time.monotonic() - self._begun
        self._metrics.in_flight -= 1
        self._metrics.handled[code] += 1
        self._metrics.seconds.add(seconds)
        if code != "OK":
            self._log.failed(self._method, code, seconds)


def _request_id(details: grpc.HandlerCallDetails) -> str:
    for key, value in details.invocation_metadata or ():
        if key == REQUEST_ID_KEY:
            return accepted(value)
    return new_request_id()
