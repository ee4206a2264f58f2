"""Prometheus' configuration, the alert rules with their tests, and the dashboards."""

import json

from deploy.check import prometheus_rule
from deploy.check.running import ROOT, Finding, output_of
from deploy.check.tools import PROMTOOL, find

PROMETHEUS = ROOT / "deploy" / "monitoring" / "prometheus"
DASHBOARDS = ROOT / "deploy" / "monitoring" / "grafana" / "dashboards"


def check_prometheus() -> str:
    promtool = find(PROMTOOL)
    output_of([*promtool, "check", "config", PROMETHEUS / "prometheus.yml"])
    rules = output_of([*promtool, "check", "rules", *sorted(PROMETHEUS.glob("rules/*.yml"))])
    output_of([*promtool, "test", "rules", *sorted(PROMETHEUS.glob("tests/*.yml"))])
    if prometheus_rule.RESOURCE.read_text() != prometheus_rule.resource():
        raise Finding(f"{prometheus_rule.RESOURCE} isn't what the rules are: `make prometheus-rule`")
    return f"promtool: the configuration is right, {rules.split('SUCCESS: ')[1].split()[0]} rules pass their tests"


def check_dashboards() -> str:
    paths = sorted(DASHBOARDS.glob("*.json"))
    panels = sum(len(json.loads(path.read_text())["panels"]) for path in paths)
    return f"{len(paths)} dashboards of {panels} panels can be read"
