"""A span a call that is served, in the caller's trace where it has one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from modalmesh_services.common.handlers import Around, Context
from modalmesh_services.common.observability.current_call import current_call
from modalmesh_services.common.observability.status_names import status_name
from modalmesh_services.common.observability.tracing import REQUEST_ID, STATUS, Tracing

if TYPE_CHECKING:
    from opentelemetry.trace import Span

# By OpenTelemetry's conventions the server failed with these; with all others its caller did.
_SERVERS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})


def traced(tracing: Tracing, around: Around, method: str) -> Around:
    """The same, in a span."""

    @contextmanager
    def span_of(context: Context) -> Iterator[None]:
        span = _begin(tracing, method, context)
        try:
            with around(context):
                yield
        except BaseException as error:
            _end(tracing, span, status_name(error, context))
            raise
        _end(tracing, span, status_name(None, context))

    return span_of


def _begin(tracing: Tracing, method: str, context: Context) -> "Span":
    carrier = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
    return tracing.serve(method, carrier, context.time_remaining())


def _end(tracing: Tracing, span: "Span", status: str) -> None:
    span.set_attribute(STATUS, status)
    if call := current_call():
        span.set_attribute(REQUEST_ID, call.request_id)
    if status in _SERVERS:
        tracing.fail(span, status)
    tracing.end(span)
