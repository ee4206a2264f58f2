"""The alert rules as the Prometheus operator's resource: the same text, since kustomize can't read it from there."""

from pathlib import Path

DEPLOY = Path(__file__).resolve().parents[1]
RULES = DEPLOY / "monitoring/prometheus/rules/modalmesh.yml"
RESOURCE = DEPLOY / "kubernetes/components/monitoring/prometheus-rule.yaml"

_HEAD = """\
# Made of deploy/monitoring/prometheus/rules/modalmesh.yml by `make prometheus-rule`: change that one.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: modalmesh
spec:
"""


def resource() -> str:
    """What the file must hold."""
    groups = RULES.read_text().partition("\ngroups:\n")[2]
    return _HEAD + "  groups:\n" + "".join(f"  {line}" if line.strip() else line for line in groups.splitlines(True))


if __name__ == "__main__":
    RESOURCE.write_text(resource())
