"""Each alert has its runbook and its test; the Prometheus operator's resource holds the very same rules."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.check import prometheus_rule
from tests.deploy.reading import DEPLOY, ROOT, RULES, alerts, documents
from tests.unit.docs.test_links import anchors

TESTS = DEPLOY / "monitoring/prometheus/tests/modalmesh.yml"


def told_to_fire() -> dict[str, set[bool]]:
    """By alert: whether it is to fire, in any of the tests."""
    found: dict[str, set[bool]] = {}
    for test in documents(TESTS)[0]["tests"]:
        for case in test["alert_rule_test"]:
            found.setdefault(case["alertname"], set()).add(bool(case["exp_alerts"]))
    return found


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: str(alert["alert"]))
def test_an_alert_leads_to_its_runbook(alert: dict[str, Any]) -> None:
    path, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert anchor == alert["alert"].lower()
    assert anchor in anchors(ROOT / path)


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: str(alert["alert"]))
def test_an_alert_is_tested_to_fire(alert: dict[str, Any]) -> None:
    assert True in told_to_fire()[alert["alert"]]


def test_the_operators_resource_holds_the_same_rules() -> None:
    (resource,) = documents(prometheus_rule.RESOURCE)
    assert resource["spec"] == documents(RULES)[0]
    assert prometheus_rule.RESOURCE.read_text(encoding="utf-8") == prometheus_rule.resource()


def built_alerts(overlay: str) -> list[dict[str, Any]]:
    command = ["kubectl", "kustomize", str(DEPLOY / "kubernetes" / "overlays" / overlay)]
    built = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    resources = {each["kind"]: each for each in yaml.load_all(built, yaml.CSafeLoader)}
    return [rule for group in resources["PrometheusRule"]["spec"]["groups"] for rule in group["rules"]]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl builds the overlay")
def test_in_production_an_alert_leads_to_where_the_runbooks_are_shown() -> None:
    built = built_alerts("production")
    shown = "https://docs.example.com/modalmesh/runbooks.md"
    assert [rule["annotations"]["runbook_url"] for rule in built] == [
        f"{shown}#{rule['alert'].lower()}" for rule in alerts()
    ]


def test_the_rules_of_a_plain_prometheus_lead_there_by_the_command_of_the_runbooks(tmp_path: Path) -> None:
    page = (ROOT / "docs/runbooks.md").read_text(encoding="utf-8")
    (command,) = [line for line in page.splitlines() if line.startswith("sed -i ")]
    rules = tmp_path / RULES.relative_to(ROOT)
    rules.parent.mkdir(parents=True)
    shutil.copy(RULES, rules)
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True, timeout=10)
    changed = [rule for group in documents(rules)[0]["groups"] for rule in group["rules"]]
    assert len(changed) == len(alerts())
    assert all(rule["annotations"]["runbook_url"].startswith("https://docs.example.com/") for rule in changed)
