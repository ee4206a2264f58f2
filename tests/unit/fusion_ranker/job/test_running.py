"""How a process's work ends, and what its starter hears."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from modalmesh.errors import InvalidInput, NotFound
from modalmesh_services.fusion_ranker.job.lines import Lines
from modalmesh_services.fusion_ranker.job.running import run
from modalmesh_services.fusion_ranker.systems.interface import Step


def told(work: Callable[[Lines], Mapping[str, Any]]) -> tuple[int, list[dict[str, Any]]]:
    out = io.StringIO()
    code = run(work, Lines(out))
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


def failing(error: BaseException) -> Callable[[Lines], Mapping[str, Any]]:
    def work(lines: Lines) -> Mapping[str, Any]:
        raise error

    return work


def test_progress_comes_before_the_result() -> None:
    def work(lines: Lines) -> Mapping[str, Any]:
        lines.note("All timestamps are equal.")
        lines.progress("items.jsonl", 3, 10)
        lines.step(Step("warm", 1, 2, loss=0.5))
        return {"revision": "r1"}

    code, lines = told(work)
    assert code == 0
    assert lines[0] == {"note": "All timestamps are equal."}
    assert lines[1] == {"progress": ["items.jsonl", 3, 10]}
    assert (lines[2]["step"]["loss"], lines[2]["step"]["validation"]) == (0.5, None)
    assert lines[3] == {"result": {"revision": "r1"}}


@pytest.mark.parametrize(
    ("error", "reason", "field"),
    [
        (InvalidInput("interactions.csv", "holds no events", reason="NO_EVENTS"), "NO_EVENTS", "interactions.csv"),
        (NotFound("there is no data"), "NOT_FOUND", ""),
        (OSError(28, "No space left on device"), "OS_ERROR", ""),
        (KeyboardInterrupt(), "INTERRUPTED", ""),
        (ZeroDivisionError("of ours"), "INTERNAL", ""),
    ],
)
def test_a_failure_is_told_by_its_reason(error: BaseException, reason: str, field: str) -> None:
    code, (line,) = told(failing(error))
    assert (code, line["error"]["reason"], line["error"]["field"]) == (1, reason, field)


def test_sigterm_ends_the_work_and_what_it_holds_is_cleaned_up() -> None:
    cleaned = []

    def work(lines: Lines) -> Mapping[str, Any]:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            cleaned.append(True)
        return {}

    code, (line,) = told(work)
    assert (code, line["error"]["reason"], cleaned) == (1, "INTERRUPTED", [True])


def test_a_starter_who_is_gone_ends_the_work_without_a_word() -> None:
    assert told(failing(BrokenPipeError())) == (1, [])


def test_what_a_library_prints_does_not_come_between() -> None:
    code = (
        "from modalmesh_services.fusion_ranker.job.lines import Lines\n"
        "import os\n"
        "lines = Lines.of_stdout()\n"
        "print('a library', flush=True); os.write(1, b'its C part')\n"
        "lines.result({})\n"
    )
    run_code = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run_code.stdout == '{"result": {}}\n'
    assert run_code.stderr == "a library\nits C part"
