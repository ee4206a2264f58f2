"""Every setting is in docs/configuration.md as it is in the code."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "configuration.md"
PRODUCT = ("modalmesh", "services", "gateway")
# A name behind ${ is Compose's own, read where an image is chosen.
NAME = re.compile(r"(?<!\$\{)\bMODALMESH_[A-Z_]*[A-Z]\b")


def check(page: Path) -> "subprocess.CompletedProcess[str]":
    command = (sys.executable, str(ROOT / "docs" / "settings_tables.py"), "--check", "--page", str(page))
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_tables_are_those_of_todays_settings() -> None:
    checked = check(PAGE)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("row", ["`--max-tokens`", "`MODALMESH_HOME`"])
def test_a_row_that_is_missing_is_named(tmp_path: Path, row: str) -> None:
    stale = tmp_path / "configuration.md"
    lines = PAGE.read_text(encoding="utf-8").splitlines(keepends=True)
    stale.write_text("".join(line for line in lines if not line.startswith(f"| {row}")), encoding="utf-8")
    checked = check(stale)
    assert checked.returncode == 1
    assert row in checked.stderr


def test_every_variable_of_ours_that_the_code_names_is_on_the_page() -> None:
    assert unknown(path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py")) == {}


def test_every_variable_of_ours_that_a_deployment_sets_is_on_the_page() -> None:
    composed = (ROOT / name for name in ("Dockerfile", "docker-compose.yml"))
    paths = [*(ROOT / "deploy").rglob("*.yaml"), *(path for path in composed if path.exists())]
    assert unknown(paths) == {}


def unknown(paths: Iterable[Path]) -> dict[str, str]:
    """The file of each variable that is not on the page."""
    known = set(re.findall(r"`(MODALMESH_[A-Z_]+)`", PAGE.read_text(encoding="utf-8")))
    found = ((name, path) for path in paths for name in NAME.findall(path.read_text(encoding="utf-8")))
    return {name: str(path) for name, path in found if name not in known}
