"""Each alert has its runbook and its test; the Prometheus operator's resource holds the very same rules."""

from typing import Any

import pytest

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
