"""The figures that are read from a run."""

import io
import json

import pytest
from rich.console import Console

from benchmarks.explain.curves import Areas, Trial
from benchmarks.explain.faithfulness import Outcomes
from benchmarks.explain.report import ExplainReport
from benchmarks.explain.timing import CONTENT, ENCODE, HISTORY, RANK, Timings
from benchmarks.machine import Machine

MACHINE = Machine(2, "a processor", 24.0, "3.11", "2.13", 0.0)


@pytest.fixture
def report() -> ExplainReport:
    words = Outcomes(
        [Trial(1.0, 0.5, 2), Trial(1.0, -2.0, 4), Trial(0.5, 0.0, 3)],
        {"explain": [Areas(2.0, 3.0)], "random": [Areas(1.0, 1.0)]},
    )
    timings = Timings({RANK: [0.01, 0.02, 0.03], ENCODE: [0.005], HISTORY: [0.03], CONTENT: [0.1]})
    outcomes = {"history": Outcomes([Trial(2.0, 1.0, 1)]), "words": words, "regions": Outcomes()}
    return ExplainReport(MACHINE, "the shop", "zero-shot", 3, 0, outcomes, timings)


def test_the_document_has_shares_of_wins_and_ratios(report: ExplainReport) -> None:
    document = json.loads(json.dumps(report.document()))
    assert document["history_win_share"] == 1.0
    assert document["words_win_share"] == pytest.approx(2 / 3, abs=1e-4)
    assert document["regions_win_share"] is None
    assert (document["history_ratio"], document["content_ratio"]) == (1.5, 4.0)
    assert document["words"]["deletion_auc_explain"] == 2.0
    assert document["words"]["insertion_auc_random"] == 1.0
    assert document["words"]["named_parts"] == 3.0


def test_people_see_the_same(report: ExplainReport) -> None:
    target = io.StringIO()
    Console(file=target, width=120).print(report.view())
    for words in ("66.7%", "100.0%", "4.00 x (Rank + encode)", "random"):
        assert words in target.getvalue()
