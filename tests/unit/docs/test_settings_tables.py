"""Every setting is in docs/configuration.md as it is in the code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "configuration.md"
PRODUCT = ("modalmesh", "services", "gateway")


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
    sources = [path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py")]
    named = {name for path in sources for name in re.findall(r"\bMODALMESH_[A-Z_]*[A-Z]\b", path.read_text("utf-8"))}
    page = PAGE.read_text(encoding="utf-8")
    assert {name for name in named if f"`{name}`" not in page} == set()
