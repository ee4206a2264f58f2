"""checkov, and which of its checks are left out for which reason."""

from pathlib import Path
from typing import Any

import yaml

from deploy.check.running import output_of
from deploy.check.tools import of_environment

SKIPS = Path(__file__).with_name("policies.yaml")


def read_skips() -> list[dict[str, Any]]:
    skips: list[dict[str, Any]] = yaml.safe_load(SKIPS.read_text())
    return skips


def count() -> int:
    return len(read_skips())


def skipped(of: str) -> list[str]:
    """The checks that are left out of `of`, an overlay or Dockerfile."""
    return [skip["check"] for skip in read_skips() if skip.get("of", of) == of]


def checkov(framework: str, path: Path, skips: list[str]) -> str:
    """What it says of a file.

    Raises:
        Finding: a check failed.
    """
    command = [of_environment("checkov"), "--compact", "--quiet", "--skip-download", "--framework", framework]
    return output_of([*command, *(["--skip-check", ",".join(skips)] if skips else []), "--file", path])
