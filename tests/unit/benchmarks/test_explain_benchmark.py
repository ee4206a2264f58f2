import pytest

from benchmarks import explain
from benchmarks.explain.report import ExplainReport

# A mesh starts and takes the shop in.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def measured() -> ExplainReport:
    told: list[str] = []
    return explain.run(told.append, data=None, bundle=None, address=None, cases=60, curves=20, timed=10)


@pytest.mark.parametrize("kind", ["history", "words", "regions"])
def test_what_is_named_moves_the_score_more_than_others(measured: ExplainReport, kind: str) -> None:
    assert len(measured.outcomes[kind].trials) >= 20
    share = measured.win_share(kind)
    assert share is not None
    assert share >= 0.8


@pytest.mark.parametrize("kind", ["history", "words", "regions"])
def test_its_order_is_better_than_chance(measured: ExplainReport, kind: str) -> None:
    figures = measured.document()[kind]
    assert figures["deletion_auc_explain"] > figures["deletion_auc_random"]
    assert figures["insertion_auc_explain"] > figures["insertion_auc_random"]


def test_an_explanation_costs_a_few_times_what_it_explains(measured: ExplainReport) -> None:
    assert measured.timings.history_ratio < 10
    assert measured.timings.content_ratio < 10
