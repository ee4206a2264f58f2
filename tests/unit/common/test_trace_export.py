import pytest

from modalmesh_services.common.observability import tracing
from modalmesh_services.common.observability.trace_export import TraceExport, wanted_exporter


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


def test_nothing_is_traced_unless_it_is_asked_for() -> None:
    assert wanted_exporter() == ""
    TraceExport("gateway").close()
    assert tracing.active() is None


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "console"}, "console"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317", "OTEL_TRACES_EXPORTER": "none"}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317", "OTEL_SDK_DISABLED": "true"}, ""),
    ],
)
def test_opentelemetrys_own_variables_say_what_is_wanted(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], wanted: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert wanted_exporter() == wanted


def test_an_exporter_that_cannot_be_had_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    with pytest.raises(ValueError, match="OTEL_TRACES_EXPORTER: takes otlp, console or none, got 'zipkin'"):
        TraceExport("gateway")


@pytest.mark.parametrize(
    ("name", "value"), [("OTEL_EXPORTER_OTLP_COMPRESSION", "foo"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")]
)
def test_whatever_opentelemetry_refuses_is_told_in_one_kind_of_error(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=r"can't be sent as OpenTelemetry's variables \(OTEL_\.\.\.\) ask: .*" + value):
        TraceExport("gateway")
    assert tracing.active() is None
