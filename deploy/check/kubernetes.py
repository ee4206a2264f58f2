"""Manifests: everything builds, is what the API knows, and keeps the policies."""

import itertools
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from deploy.check import policies
from deploy.check.running import ROOT, Finding, output_of
from deploy.check.tools import KUBECTL, find, of_environment

API_VERSION = "1.37"
KUBERNETES = ROOT / "deploy" / "kubernetes"
BUILDS = ROOT / ".tools" / "builds"

CUSTOM = {
    ("cert-manager.io/v1", "Certificate"),
    ("cert-manager.io/v1", "Issuer"),
    ("monitoring.coreos.com/v1", "PodMonitor"),
    ("monitoring.coreos.com/v1", "PrometheusRule"),
}
"""Of operators, whose schemas the API's don't include: they are built and counted, and not looked into."""


def overlays() -> list[Path]:
    return sorted(path.parent for path in (KUBERNETES / "overlays").glob("*/kustomization.yaml"))


def components() -> list[Path]:
    return sorted(path.parent for path in (KUBERNETES / "components").glob("*/kustomization.yaml"))


def combinations() -> Iterator[Path]:
    """A folder each that puts some of the components, none and all included, onto the base."""
    every = components()
    for count in range(len(every) + 1):
        for chosen in itertools.combinations(every, count):
            folder = BUILDS / ("+".join(["base", *(component.name for component in chosen)]))
            folder.mkdir(parents=True, exist_ok=True)
            lines = ["resources:", "  - ../../../deploy/kubernetes/base", "components:" if chosen else ""]
            lines += [f"  - ../../../deploy/kubernetes/components/{component.name}" for component in chosen]
            (folder / "kustomization.yaml").write_text("\n".join(lines) + "\n")
            yield folder


def check_builds() -> str:
    """All overlays and combinations of components, each against the API's schemas."""
    kubectl = find(KUBECTL)
    shutil.rmtree(BUILDS, ignore_errors=True)
    BUILDS.mkdir(parents=True)
    builds, unlooked, looked_at = 0, set[str](), set[str]()
    for folder in [*overlays(), *combinations()]:
        text = output_of([*kubectl, "kustomize", folder])
        (BUILDS / f"{folder.name}.yaml").write_text(text)
        builds += 1
        # Most resources are the same in most builds: each is looked at once, and read by the safe reader in C.
        for resource in text.split("\n---\n"):
            kind = custom_kind(yaml.load(resource, yaml.CSafeLoader))
            (unlooked if kind else looked_at).add(kind or resource)
    together = BUILDS / "resources.yaml"
    together.write_text("\n---\n".join(sorted(looked_at)))
    said = output_of([of_environment("kubernetes-validate"), "--strict", "--quiet", "-k", API_VERSION, together])
    # A kind that it knows no schema of is a warning to it.
    if said:
        raise Finding(said)
    return (
        f"{len(looked_at)} different resources of {builds} builds match the schemas of Kubernetes {API_VERSION}; "
        f"without a schema: {', '.join(sorted(unlooked))}"
    )


def custom_kind(document: dict[str, Any]) -> str:
    kind = document["apiVersion"], document["kind"]
    return kind[1] if kind in CUSTOM else ""


def check_policies() -> str:
    """What checkov says of the overlays as they were built, less what policies.yaml explains."""
    passed = 0
    for overlay in overlays():
        built = BUILDS / f"{overlay.name}.yaml"
        if not built.exists():
            raise Finding(f"{overlay.name} was not built")
        said = policies.checkov("kubernetes", built, policies.skipped(overlay.name))
        passed += _passed(said)
    return f"{passed} policy checks of {len(overlays())} overlays pass; {policies.count()} are left out for a reason"


def _passed(said: str) -> int:
    found = re.search(r"Passed checks: (\d+), Failed checks: 0", said)
    if found is None:
        raise Finding(said)
    return int(found[1])
