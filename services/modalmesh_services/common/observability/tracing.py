"""OpenTelemetry's traces of calls: off unless its environment variables say otherwise, and free then. Knows no grpc.

Spans are made in calls only, never in the background, and hold no content: no error's message, no command's arguments.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING

from modalmesh_services.common.deadline import Deadline

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanKind, TracerProvider

    Value = str | int | float

DEADLINE_LEFT = "modalmesh.deadline_left_ms"
REQUEST_ID = "modalmesh.request_id"
STATUS = "rpc.response.status_code"

# Nobody's deadline: a caller that set none.
_LONGEST_SECONDS = 30 * 24 * 3600.0

_deadline: ContextVar[Deadline | None] = ContextVar("traced_deadline", default=None)
# One a call, which the tasks that it starts share.
_noted: ContextVar[dict[str, float] | None] = ContextVar("traced_notes", default=None)


class Tracing:
    """Makes spans by one provider."""

    def __init__(self, provider: "TracerProvider") -> None:
        # Here and below: what doesn't trace needs no OpenTelemetry.
        from opentelemetry import context, propagate, trace

        self._context = context
        self._propagate = propagate
        self._trace = trace
        self._tracer = provider.get_tracer("modalmesh")

    def serve(self, method: str, carrier: Mapping[str, str], seconds_left: float | None) -> "Span":
        """Begin a call's span, from here on the current one of this task. `carrier` says where the trace comes from."""
        deadline = None
        if seconds_left is not None and seconds_left < _LONGEST_SECONDS:
            deadline = Deadline.after(seconds_left)
        _deadline.set(deadline)
        _noted.set({})
        parent = self._propagate.extract(carrier, self._context.Context())
        span = self._begin(method, self._trace.SpanKind.SERVER, _rpc(method), deadline, parent)
        # Never detached: the task ends with the call.
        self._context.attach(self._trace.set_span_in_context(span, parent))
        return span

    @contextmanager
    def hop(self, method: str, deadline: Deadline) -> Iterator[dict[str, str]]:
        """A span around a call to another service; gives what tells it of the trace."""
        carrier: dict[str, str] = {}
        span = self._begin(method, self._trace.SpanKind.CLIENT, _rpc(method), deadline)
        with self._trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            self._propagate.inject(carrier)
            try:
                yield carrier
            except BaseException as error:
                span.set_attribute(STATUS, _kind(error))
                self.fail(span, _kind(error))
                raise
            span.set_attribute(STATUS, "OK")

    @contextmanager
    def store(self, commands: Sequence[Sequence[object]], seconds: float) -> Iterator[None]:
        """A span around one round trip to Redis, which may take so many seconds."""
        operation = " ".join(dict.fromkeys(str(command[0]) for command in commands))
        attributes: dict[str, Value] = {
            "db.system.name": "redis",
            "db.operation.name": operation,
            "db.operation.batch.size": len(commands),
        }
        left = _deadline.get()
        deadline = Deadline.after(min(seconds, left.remaining) if left else seconds)
        span = self._begin(f"redis {operation}", self._trace.SpanKind.CLIENT, attributes, deadline)
        with self._trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                yield
            except BaseException as error:
                self.fail(span, _kind(error))
                raise

    def end(self, span: "Span") -> None:
        """End a call's span, with what was noted meanwhile."""
        noted = _noted.get() or {}
        span.set_attributes({f"modalmesh.{name}": round(value, 3) for name, value in noted.items()})
        span.end()

    def fail(self, span: "Span", kind: str) -> None:
        """What failed, by a name that holds nothing of what was asked."""
        span.set_attribute("error.type", kind)
        span.set_status(self._trace.Status(self._trace.StatusCode.ERROR))

    @property
    def is_in_call(self) -> bool:
        return bool(self._trace.get_current_span().get_span_context().is_valid)

    @property
    def trace_id(self) -> str:
        """Of the call that is being served; empty outside."""
        context = self._trace.get_current_span().get_span_context()
        return f"{context.trace_id:032x}" if context.is_valid else ""

    def _begin(
        self,
        name: str,
        kind: "SpanKind",
        attributes: Mapping[str, "Value"],
        deadline: Deadline | None,
        parent: "Context | None" = None,
    ) -> "Span":
        left = {DEADLINE_LEFT: round(deadline.remaining * 1000, 3)} if deadline else {}
        return self._tracer.start_span(name.strip("/"), parent, kind, {**attributes, **left})


_active: Tracing | None = None


def use(tracing: Tracing | None) -> None:
    """From here on in this process; None: no traces."""
    global _active
    _active = tracing


def active() -> Tracing | None:
    return _active


def hop(method: str, deadline: Deadline) -> AbstractContextManager[Mapping[str, str]]:
    """A span around a call to another service, where a call is being served and traced. Work of nobody's, such as
    asking a service every second what it serves, tells the other side not to trace it either.
    """
    if _active is None:
        return nullcontext({})
    return _active.hop(method, deadline) if _active.is_in_call else nullcontext({"traceparent": _unsampled()})


def store(commands: Sequence[Sequence[object]], seconds: float) -> AbstractContextManager[None]:
    """A span around a round trip to Redis, likewise."""
    return _active.store(commands, seconds) if _active and _active.is_in_call else nullcontext()


def note(**milliseconds: float) -> None:
    """Say how long a piece of the call's work took, likewise. A stream has one for each of its inputs: their times are
    added up, and `pieces` counts them.
    """
    if _active and (noted := _noted.get()) is not None:
        for name, value in (*milliseconds.items(), ("pieces", 1)):
            noted[name] = noted.get(name, 0) + value


def trace_id() -> str:
    """Of the call that is being served and traced; else empty."""
    return _active.trace_id if _active else ""


def _unsampled() -> str:
    """W3C's header of a trace that nobody keeps."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"


def _kind(error: BaseException) -> str:
    """The status code that a call failed with, or else the error's class."""
    code = getattr(error, "code", None)
    return str(code().name) if callable(code) else type(error).__name__


def _rpc(method: str) -> dict[str, "Value"]:
    return {"rpc.system.name": "grpc", "rpc.method": method.strip("/")}
