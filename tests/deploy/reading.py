"""Files under deploy/, as a test reads them."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
BASE = DEPLOY / "kubernetes" / "base"
COMPONENTS = DEPLOY / "kubernetes" / "components"
RULES = DEPLOY / "monitoring" / "prometheus" / "rules" / "modalmesh.yml"
SERVICES = ("gateway", "text-encoder", "image-encoder", "fusion-ranker")


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def one(path: Path, kind: str) -> dict[str, Any]:
    (found,) = [document for document in documents(path) if document["kind"] == kind]
    return found


def alerts() -> list[dict[str, Any]]:
    return [rule for group in documents(RULES)[0]["groups"] for rule in group["rules"]]


def environment(service: str) -> dict[str, str]:
    """What its ConfigMap sets."""
    lines = (BASE / f"{service}.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
