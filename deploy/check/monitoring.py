"""Prometheus' configuration, the alert rules with their tests, and what dashboards and autoscalers ask for."""

import json
from collections.abc import Iterator
from pathlib import Path

import yaml

from deploy.check import prometheus_rule
from deploy.check.running import ROOT, Finding, output_of
from deploy.check.tools import PROMTOOL, find

PROMETHEUS = ROOT / "deploy" / "monitoring" / "prometheus"
DASHBOARDS = ROOT / "deploy" / "monitoring" / "grafana" / "dashboards"
ADAPTER = ROOT / "deploy" / "kubernetes" / "components" / "hpa" / "prometheus-adapter.yaml"
QUERIES = ROOT / ".tools" / "queries.yml"

# What Grafana and prometheus-adapter put in.
_FILLED = {
    "$__rate_interval": "5m",
    "$job": ".*",
    "$namespace": ".*",
    "<<.LabelMatchers>>": 'namespace="mesh"',
    "<<.GroupBy>>": "pod",
}


def check_prometheus() -> str:
    promtool = find(PROMTOOL)
    output_of([*promtool, "check", "config", PROMETHEUS / "prometheus.yml"])
    rules = output_of([*promtool, "check", "rules", *sorted(PROMETHEUS.glob("rules/*.yml"))])
    output_of([*promtool, "test", "rules", *sorted(PROMETHEUS.glob("tests/*.yml"))])
    if prometheus_rule.RESOURCE.read_text() != prometheus_rule.resource():
        raise Finding(f"{prometheus_rule.RESOURCE} isn't what the rules are: `make prometheus-rule`")
    return f"promtool: the configuration is right, {rules.split('SUCCESS: ')[1].split()[0]} rules pass their tests"


def check_queries() -> str:
    """Of dashboards and of prometheus-adapter, as rules to promtool."""
    dashboards = sorted(DASHBOARDS.glob("*.json"))
    asked = [query for path in dashboards for query in dashboard_queries(path)] + list(adapter_queries())
    rules = [{"record": f"query:{number}", "expr": filled(query)} for number, query in enumerate(asked)]
    QUERIES.parent.mkdir(exist_ok=True)
    QUERIES.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    output_of([*find(PROMTOOL), "check", "rules", QUERIES])
    return f"promtool can read all {len(asked)} queries of {len(dashboards)} dashboards and of prometheus-adapter"


def dashboard_queries(path: Path) -> Iterator[str]:
    for panel in json.loads(path.read_text())["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


def adapter_queries() -> Iterator[str]:
    yield from (rule["metricsQuery"] for rule in yaml.safe_load(ADAPTER.read_text())["rules"]["custom"])


def filled(query: str) -> str:
    for name, value in _FILLED.items():
        query = query.replace(name, value)
    return query
