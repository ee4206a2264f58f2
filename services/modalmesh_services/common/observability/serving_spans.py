"""A span a call that is served, in the caller's trace where it has one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from modalmesh_services.common.handlers import Behaviour, Context
from modalmesh_services.common.observability.current_call import current_call
from modalmesh_services.common.observability.status_names import status_name
from modalmesh_services.common.observability.tracing import REQUEST_ID, STATUS, Tracing

if TYPE_CHECKING:
    from opentelemetry.trace import Span

# By OpenTelemetry's conventions the server failed with these; with all others its caller did.
_SERVERS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})


def traced(tracing: Tracing, behaviour: Behaviour, method: str, *, streaming: bool) -> Behaviour:
    """The same behaviour, in a span."""
    wrap = _traced_stream if streaming else _traced_unary
    return wrap(tracing, behaviour, method)


def _traced_unary(
    tracing: Tracing, behaviour: Callable[[Any, Context], Awaitable[Any]], method: str
) -> Callable[[Any, Context], Awaitable[Any]]:
    async def serve(request: Any, context: Context) -> Any:
        span = _begin(tracing, method, context)
        try:
            response = await behaviour(request, context)
        except BaseException as error:
            _end(tracing, span, status_name(error, context))
            raise
        _end(tracing, span, status_name(None, context))
        return response

    return serve


def _traced_stream(
    tracing: Tracing, behaviour: Callable[[Any, Context], AsyncIterator[Any]], method: str
) -> Callable[[Any, Context], AsyncIterator[Any]]:
    async def serve(request: Any, context: Context) -> AsyncIterator[Any]:
        span = _begin(tracing, method, context)
        try:
            async for response in behaviour(request, context):
                yield response
        except BaseException as error:
            _end(tracing, span, status_name(error, context))
            raise
        _end(tracing, span, status_name(None, context))

    return serve


def _begin(tracing: Tracing, method: str, context: Context) -> "Span":
    carrier = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
    return tracing.serve(method, carrier, context.time_remaining())


def _end(tracing: Tracing, span: "Span", status: str) -> None:
    span.set_attribute(STATUS, status)
    if call := current_call():
        span.set_attribute(REQUEST_ID, call.request_id)
    if status in _SERVERS:
        tracing.fail(span, status)
    span.end()
