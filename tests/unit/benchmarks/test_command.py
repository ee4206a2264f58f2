import json
from dataclasses import replace
from typing import Any

import click
import pytest
from rich.console import RenderableType

from benchmarks import encode
from benchmarks.benchmark import Benchmark, NotComparable, Tell
from benchmarks.command import run


class SumReport:
    def __init__(self, total: int) -> None:
        self._total = total

    def document(self) -> dict[str, Any]:
        return {"total": self._total}

    def view(self) -> RenderableType:
        return f"the total is {self._total}"


def add(tell: Tell, *, numbers: tuple[int, ...]) -> SumReport:
    if not numbers:
        raise NotComparable("nothing to add")
    tell("adding")
    return SumReport(sum(numbers))


SUM = Benchmark("sum", "Adds up.", "sum -n 1", [click.Option(["-n", "numbers"], type=int, multiple=True)], add)


def test_json_is_one_document_and_progress_is_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sum", "-n", "1", "-n", "2", "--json"], [SUM]) == 0
    out = capsys.readouterr()
    assert json.loads(out.out) == {"total": 3}
    assert out.err == "adding\n"


def test_without_json_the_report_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sum", "-n", "4"], [SUM]) == 0
    assert capsys.readouterr().out == "the total is 4\n"


def test_a_benchmark_that_fails_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sum", "--json"], [SUM]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["reason"] == "NOT_COMPARABLE"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [(["--limit", "0"], "--limit"), (["--rounds", "none"], "--rounds"), (["--data", "/no/such/folder"], "--data")],
)
def test_wrong_use_names_the_option(arguments: list[str], field: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", *arguments, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["field"] == field


@pytest.mark.parametrize(("peers", "chosen"), [("none", 0), ("all", 4), ("mosec, litserve", 2)])
def test_peers_are_all_none_or_named(peers: str, chosen: int) -> None:
    seen: list[tuple[str, ...]] = []

    def look(tell: Tell, *, peers: tuple[str, ...], **others: object) -> SumReport:
        seen.append(peers)
        return SumReport(0)

    assert run(["encode", "--peers", peers], [replace(encode.BENCHMARK, run=look)]) == 0
    assert len(seen[0]) == chosen


def test_an_unknown_peer_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["encode", "--peers", "mosec,nobody", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["field"] == "--peers"


def test_help_lists_the_benchmarks_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["ingest", "A", "catalogue"] in [line[:3] for line in lines]
    assert any(line[:4] == ["python", "-m", "benchmarks", "ingest"] for line in lines)
