"""Work in a process of its own."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from modalmesh.errors import InvalidInput, ModalmeshError
from modalmesh.local.job import run_job

MODULE = "tests.unit.local.job_standin"


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))


def ran(*arguments: str) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    told: list[tuple[str, Any]] = []
    return run_job(MODULE, arguments, lambda kind, value: told.append((kind, value))), told


def test_a_job_tells_and_ends_with_its_result(capfd: pytest.CaptureFixture[str]) -> None:
    result, told = ran("work", "-", "--epochs", "3")
    assert result == {"arguments": ["work", "-", "--epochs", "3"]}
    assert [kind for kind, _ in told] == ["note", "step"]
    assert capfd.readouterr() == ("", "a warning\n")


def test_a_jobs_failure_is_raised_here_with_field_and_reason() -> None:
    with pytest.raises(InvalidInput) as refused:
        ran("fail", "-")
    assert (refused.value.field, refused.value.detail, refused.value.reason) == (
        "interactions.csv",
        "holds no events",
        "NO_EVENTS",
    )
    with pytest.raises(ModalmeshError) as failed:
        ran("break", "-")
    assert (failed.value.message, failed.value.reason) == ("no mesh", "MESH_FAILED")


def test_a_job_that_is_killed_is_no_success() -> None:
    with pytest.raises(ModalmeshError, match="without a word") as died:
        ran("die", "-")
    assert died.value.reason == "JOB_DIED"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whoever_ends_this_ends_the_job_and_waits_until_it_has_cleaned_up(
    tmp_path: Path, number: signal.Signals
) -> None:
    note = tmp_path / "note"

    def interrupt(kind: str, value: object) -> None:
        if kind == "progress":
            os.kill(os.getpid(), number)

    with pytest.raises(KeyboardInterrupt):
        run_job(MODULE, ["wait", str(note)], interrupt)
    assert note.read_text() == "cleaned up"


def test_without_the_libraries_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modalmesh.local.job.find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(ModalmeshError, match=r"no torch.*modalmesh\[local\]"):
        ran("work", "-")
