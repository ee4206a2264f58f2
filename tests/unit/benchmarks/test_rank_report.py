"""The figures that are read from a run."""

import io
import json
from collections.abc import Sequence

import pytest
from rich.console import Console

from benchmarks.rank.report import FORWARD, HOP, SERVICE, RankReport, Turns
from tests.unit.benchmarks.builders import MACHINE


def turns(
    service: list[Sequence[float]], forward: list[Sequence[float]], hop: list[Sequence[float]], others: float = 0.0
) -> Turns:
    return Turns(1000, 100, {SERVICE: service, FORWARD: forward, HOP: hop}, others)


SLOW = turns([[0.02, 0.02, 0.9], [0.03, 0.03, 0.03], [0.02, 0.02, 0.02]], [[0.01]] * 3, [[0.005]] * 3)
FAST = turns([[0.012]], [[0.01]], [[0.01]])


def test_a_rounds_ratio_is_of_its_own_medians_and_the_ratio_is_the_rounds_median() -> None:
    assert SLOW.ratios == pytest.approx([0.02 / 0.015, 0.03 / 0.015, 0.02 / 0.015])
    assert SLOW.ratio == pytest.approx(4 / 3)


def test_the_document_has_the_worst_rankers_ratio_and_all_times() -> None:
    document = json.loads(json.dumps(RankReport(MACHINE, "films", {"zero-shot": SLOW, "trained": FAST}).document()))
    assert document["ratio"] == 1.333
    assert document["rankers"]["trained"]["ratio"] == 0.6
    slow = document["rankers"]["zero-shot"]
    assert (slow["service_p50_ms"], slow["forward_p50_ms"], slow["hop_p50_ms"]) == (20.0, 10.0, 5.0)
    assert slow["service_p99_ms"] > 800
    assert (slow["request_bytes"], slow["answer_bytes"]) == (1000, 100)


@pytest.mark.parametrize(("others", "disturbed"), [(0.05, False), (0.5, True)])
def test_a_report_says_whether_others_used_the_cores(others: float, disturbed: bool) -> None:
    report = RankReport(MACHINE, "films", {"zero-shot": turns([[1.0]], [[1.0]], [[1.0]], others)})
    assert report.document()["disturbed"] is disturbed


def test_people_see_the_same() -> None:
    target = io.StringIO()
    Console(file=target, width=100).print(RankReport(MACHINE, "films", {"zero-shot": SLOW}).view())
    assert "1.33" in target.getvalue()
    assert "20.00" in target.getvalue()
