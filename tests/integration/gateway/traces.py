"""Spans of a mesh in one process, kept in memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from modalmesh_services.common.observability import tracing


class Spans:
    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    def clear(self) -> None:
        self._exporter.clear()

    def all(self) -> Sequence[ReadableSpan]:
        return self._exporter.get_finished_spans()

    def of(self, name: str, kind: str) -> list[ReadableSpan]:
        """By name and kind, such as SERVER."""
        return [span for span in self.all() if span.name == name and span.kind.name == kind]

    def one(self, name: str, kind: str) -> ReadableSpan:
        (span,) = self.of(name, kind)
        return span


@contextmanager
def traced() -> Iterator[Spans]:
    """Servers whose first call comes meanwhile are traced."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(tracing.Tracing(provider))
    try:
        yield Spans(exporter)
    finally:
        tracing.use(None)


def number(span: ReadableSpan, name: str) -> float:
    value = (span.attributes or {})[name]
    assert isinstance(value, int | float)
    return value


def deadline_left(span: ReadableSpan) -> float:
    """In milliseconds."""
    return number(span, tracing.DEADLINE_LEFT)


def is_child(child: ReadableSpan, parent: ReadableSpan) -> bool:
    return child.parent is not None and child.parent.span_id == parent.context.span_id
