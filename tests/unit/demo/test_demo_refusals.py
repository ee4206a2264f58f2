"""What is wrong is said before the minutes of work."""

import json
from pathlib import Path

import pytest

from modalmesh.cli.main import run
from modalmesh.local.demo import run_demo


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MODALMESH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_report_that_cannot_be_written_ends_it_before_anything_starts(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        run_demo(None, tmp_path / "file" / "report.html", home)
    assert not home.exists()


def test_a_folder_without_data_ends_it_before_anything_starts(
    home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = run(["demo", "--data", str(tmp_path), "--output", str(tmp_path / "report.html"), "--json"])
    assert (code, json.loads(capfd.readouterr().out)["error"]["reason"]) == (1, "NO_DATA")
    assert not home.exists()
