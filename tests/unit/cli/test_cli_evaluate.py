"""The verb evaluate: what it asks the evaluation's process, and what it shows of it."""

from pathlib import Path
from typing import Any

import pytest

from modalmesh.local import job
from tests.unit.cli.conftest import Verb
from tests.unit.cli.test_cli_documents import documented

FIGURES = {
    "ndcg@10": 0.1972,
    "recall@20": 0.21,
    "low": {"ndcg@10": 0.181, "recall@20": None},
    "high": {"ndcg@10": 0.214, "recall@20": None},
    "seconds": 101.25,
    "seeds": ["users"],
}
WORSE = {"ndcg@10": 0.14, "low": {}, "high": {}, "seconds": 3.0, "seeds": ["users"]}
RESULT = {
    "protocols": {"users": {"ease": WORSE, "modalmesh": FIGURES}, "new_users": {}},
    "comparisons": {"users": {}, "new_users": {}},
    "failed": {"new_users": {"als": "MemoryError: no room"}},
    "skipped": {"global_time": "these data have no user whom it could score"},
    "consequences": [],
    "report": "evaluation.html",
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The arguments with which an evaluation was run; each ends well."""
    calls: list[list[str]] = []

    def run_job(module: str, arguments: list[str], tell: Any, environment: dict[str, str]) -> dict[str, Any]:
        assert module == "modalmesh_services.fusion_ranker.evaluation"
        calls.append(arguments)
        tell("note", "users/users ease: 3.0 s")
        return RESULT

    monkeypatch.setattr(job, "run_job", run_job)
    return calls


def test_it_asks_for_what_was_given_and_no_more(verb: Verb, tmp_path: Path, home: Path, asked: list[list[str]]) -> None:
    verb("evaluate", str(tmp_path))
    verb("evaluate", str(tmp_path), "--system", "ease", "--system", "my.toml", "--protocol", "users", "--all")
    (tmp_path / "new.csv").write_text("")
    verb("evaluate", str(tmp_path), "--bundle", str(tmp_path), "--interactions", str(tmp_path / "new.csv"))
    plain, full, bundle = asked
    rest = ["--report", "evaluation.html", "--namespace", "default", "--home", str(home)]
    assert plain == [str(tmp_path), *rest]
    assert full == [str(tmp_path), "--system", "ease", "--system", "my.toml", "--protocol", "users", "--all", *rest]
    assert bundle == [str(tmp_path), "--bundle", str(tmp_path), "--interactions", str(tmp_path / "new.csv"), *rest]


@pytest.mark.usefixtures("asked")
def test_its_document_is_the_only_thing_on_stdout(verb: Verb, tmp_path: Path) -> None:
    outcome = verb("evaluate", str(tmp_path), "--json")
    assert (outcome.code, outcome.document) == (0, RESULT)
    assert documented(*outcome.document)


@pytest.mark.usefixtures("asked")
def test_the_best_is_shown_first_with_its_interval(verb: Verb, tmp_path: Path) -> None:
    outcome = verb("evaluate", str(tmp_path))
    assert outcome.stdout.index("modalmesh") < outcome.stdout.index("ease")
    assert "0.1972 0.181 to 0.214" in outcome.stdout
    assert "global_time: skipped" in outcome.stdout
    assert "new_users: als failed, MemoryError: no room" in outcome.stdout
    assert "the report: evaluation.html" in outcome.stdout
    assert outcome.stderr == "users/users ease: 3.0 s\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--bundle", "."], "--bundle and --interactions go together"),
        (["--interactions", __file__], "--bundle and --interactions go together"),
        (["--bundle", ".", "--interactions", __file__, "--all"], "under users alone"),
        (["--bundle", ".", "--interactions", __file__, "--system", "ease"], "under users alone"),
        (["--bundle", "none"], "'none' does not exist"),
    ],
)
def test_wrong_use_is_said_before_anything_starts(
    verb: Verb, tmp_path: Path, asked: list[list[str]], arguments: list[str], words: str
) -> None:
    outcome = verb("evaluate", str(tmp_path), *arguments)
    assert (outcome.code, asked) == (2, [])
    assert words in outcome.stderr
