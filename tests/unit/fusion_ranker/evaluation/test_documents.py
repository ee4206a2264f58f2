import json
from pathlib import Path

import numpy as np
import pytest

from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation.baselines import Ease, Popularity
from modalmesh_services.fusion_ranker.evaluation.documents import document
from modalmesh_services.fusion_ranker.evaluation.plans import Renamed, every
from modalmesh_services.fusion_ranker.evaluation.report import render
from modalmesh_services.fusion_ranker.evaluation.results import Evaluation
from modalmesh_services.fusion_ranker.evaluation.runner import Runner
from modalmesh_services.fusion_ranker.evaluation.store import Store
from tests.unit.fusion_ranker.evaluation.conftest import Heard


@pytest.fixture(scope="module")
def evaluation(made: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    store: Path = tmp_path_factory.mktemp("kept")
    systems = [Renamed("ease_best", Ease(5)), Renamed("<i>x</i>", Popularity())]
    return Runner(made, Store(store), Heard()).run(every(systems, ["users", "new_users", "global_time"]))


def test_a_metric_is_a_number_and_its_interval_stands_beside(evaluation: Evaluation) -> None:
    told = json.loads(json.dumps(document(evaluation), allow_nan=False))["protocols"]["new_users"]["ease_best"]
    for name in ("ndcg@10", "coverage@10", "pairs.auc", "pairs.log_loss"):
        assert told["low"][name] <= told[name] <= told["high"][name]
    assert told["seeds"] == [f"fold-{number}" for number in range(5)]
    assert told["seconds"] > 0


def test_a_figure_of_nobody_is_left_out(evaluation: Evaluation) -> None:
    told = document(evaluation)["protocols"]["users"]["ease_best"]
    assert "ndcg@10.warm" in told
    assert "ndcg@10.cold" not in told


def test_systems_are_compared_with_the_reference_user_by_user(evaluation: Evaluation) -> None:
    (told,) = document(evaluation)["comparisons"]["users"].values()
    ours, theirs = (evaluation.protocols["users"][name].figures["ndcg@10"] for name in ("<i>x</i>", "ease_best"))
    assert told["reference"] == "ease_best"
    assert told["ndcg@10"]["difference"]["value"] == pytest.approx(float(np.mean(ours - theirs)), rel=1e-4)
    assert told["ndcg@10"]["difference"]["high"] < 0
    assert told["ndcg@10"]["ratio"]["high"] < 1


def test_the_page_has_a_plot_a_protocol_and_escapes_names(evaluation: Evaluation) -> None:
    page = render(evaluation, "a & b", ["No item has a picture."])
    assert page.count("<svg") == 2
    assert "a &amp; b" in page
    assert "<i>x" not in page
    assert "No item has a picture." in page
    assert "global_time: skipped" in page
    assert "<script" not in page
