"""What rules, dashboards, the autoscalers' adapter and runbooks ask Prometheus for is what servers show."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from modalmesh_gateway.bootstrap import connect
from modalmesh_gateway.settings import GatewaySettings
from modalmesh_services.common.engine.metrics import EngineMetrics
from modalmesh_services.common.observability.call_metrics import CallMetrics
from modalmesh_services.common.observability.telemetry import CallCollector, EngineCollector, process_registry
from modalmesh_services.fusion_ranker.telemetry import WorkerCollector
from modalmesh_services.fusion_ranker.worker import WorkerMetrics
from tests.deploy.reading import COMPONENTS, DEPLOY, ROOT, alerts, documents

NAME = re.compile(r"\b(?:modalmesh|grpc_server|process|python)_\w+")
SAMPLES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
DASHBOARDS = sorted((DEPLOY / "monitoring/grafana/dashboards").glob("*.json"))
ADAPTER = COMPONENTS / "hpa" / "prometheus-adapter.yaml"


def samples(families: Iterable[Metric]) -> set[str]:
    return {family.name + end for family in families for end in SAMPLES.get(family.type, ("",))}


def of(collector: Collector) -> set[str]:
    return samples(collector.collect())


@pytest.fixture
async def shown() -> set[str]:
    """By the collectors themselves, with nothing measured yet."""
    gateway = connect(GatewaySettings())
    try:
        collectors = [
            gateway.metrics,
            CallCollector(CallMetrics()),
            EngineCollector(EngineMetrics(), "tokens"),
            EngineCollector(EngineMetrics(), "pictures"),
            WorkerCollector(WorkerMetrics()),
        ]
        of_process = {
            line.split("{")[0].split()[0]
            for line in generate_latest(process_registry()).decode().split("\n")
            if line and not line.startswith("#")
        }
        return set().union(of_process, *map(of, collectors))
    finally:
        await gateway.stop()


def names(text: str) -> set[str]:
    return set(NAME.findall(text))


def expressions(dashboard: Path) -> Iterator[str]:
    told = json.loads(dashboard.read_text(encoding="utf-8"))
    yield from (target["expr"] for panel in told["panels"] for target in panel.get("targets", ()))
    yield from (each["query"]["query"] for each in told["templating"]["list"] if each["type"] == "query")


def adapter_rules() -> list[dict[str, str]]:
    rules: list[dict[str, str]] = documents(ADAPTER)[0]["rules"]["custom"]
    return rules


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: str(alert["alert"]))
async def test_an_alert_asks_for_what_is_shown(alert: dict[str, str], shown: set[str]) -> None:
    assert names(alert["expr"]) - shown == set()


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: str(path.stem))
async def test_a_dashboard_asks_for_what_is_shown(dashboard: Path, shown: set[str]) -> None:
    asked = list(expressions(dashboard))
    assert asked
    assert names(" ".join(asked)) - shown == set()


async def test_the_adapter_asks_for_what_is_shown(shown: set[str]) -> None:
    for rule in adapter_rules():
        assert names(rule["seriesQuery"] + rule["metricsQuery"]) - shown == set()


async def test_runbooks_ask_for_what_is_shown(shown: set[str]) -> None:
    text = (ROOT / "docs" / "runbooks.md").read_text(encoding="utf-8")
    assert names(text) - shown == set()


def test_autoscalers_ask_the_adapter_for_what_it_makes() -> None:
    asked = {
        metric["pods"]["metric"]["name"]
        for path in (COMPONENTS / "hpa").glob("*.yaml")
        for document in documents(path)
        if document.get("kind") == "HorizontalPodAutoscaler"
        for metric in document["spec"]["metrics"]
        if metric["type"] == "Pods"
    }
    assert asked == {str(rule["name"]["as"]) for rule in adapter_rules()}  # type: ignore[index]
