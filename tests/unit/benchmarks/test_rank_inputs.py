"""What the rank benchmark asks, and that a whole run measures it."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import rank
from benchmarks.benchmark import NotComparable
from benchmarks.rank.inputs import CANDIDATES, HISTORY, drawn, recorded, requests
from benchmarks.rank.report import FORWARD, HOP, SERVICE
from modalmesh.data_folder import DataFolder
from modalmesh.v1.fusion_ranker_service_pb2 import FusionRankerRankRequest
from modalmesh_services.fusion_ranker.convert import rank_request
from modalmesh_services.fusion_ranker.limits import RankerLimits
from modalmesh_services.fusion_ranker.models.interface import ModelDescription
from modalmesh_services.fusion_ranker.validation import check_rank

MODEL = ModelDescription("zero-shot", "r1", "torch", 4, 4, 8)
LIMITS = RankerLimits(10, 10, 10, CANDIDATES, HISTORY, 10)


def folder(path: Path, items: int, events: int) -> DataFolder:
    lines = [f'{{"item_id": "i{row}", "title": "t"}}' for row in range(items)]
    (path / "items.jsonl").write_text("\n".join(lines), encoding="utf-8")
    rows = [f"u,i{row},{1000 - row},4" for row in range(events)]
    (path / "interactions.csv").write_text("\n".join(["user_id,item_id,timestamp,rating", *rows]), encoding="utf-8")
    return DataFolder(path)


def asked(made: FusionRankerRankRequest) -> tuple[list[str], list[str]]:
    return [event.item_id for event in made.history], [each.item_id for each in made.candidates]


def test_requests_are_what_the_service_takes() -> None:
    catalogue = drawn([f"i{row}" for row in range(700)], 2, np.random.default_rng(0))
    made = requests(catalogue, MODEL, 3, np.random.default_rng(0))
    for each in made:
        check_rank(rank_request(each, LIMITS), MODEL, LIMITS)
        history, candidates = asked(each)
        assert (len(history), len(candidates)) == (HISTORY, CANDIDATES)
        assert not set(history) & set(candidates)
    assert asked(made[0])[0] == asked(made[2])[0]
    assert asked(made[0])[1] != asked(made[2])[1]


def test_recorded_histories_are_the_last_events_in_time_order(tmp_path: Path) -> None:
    catalogue = recorded(folder(tmp_path, CANDIDATES + HISTORY, HISTORY + 5), 20)
    (history,) = catalogue.histories
    assert [event.item_id for event in history] == [f"i{row}" for row in reversed(range(HISTORY))]


@pytest.mark.parametrize(("items", "events"), [(CANDIDATES + HISTORY, HISTORY - 1), (CANDIDATES, HISTORY)])
def test_data_that_are_too_small_are_refused(items: int, events: int, tmp_path: Path) -> None:
    with pytest.raises(NotComparable, match=f"{items} items"):
        recorded(folder(tmp_path, items, events), 20)


@pytest.mark.slow
def test_a_run_measures_service_forward_and_hop_by_turns() -> None:
    told: list[str] = []
    report = rank.run(told.append, bundle=None, data=None, rounds=2, calls=5)
    assert len(told) == 6
    seconds = report.rankers["zero-shot"].seconds
    assert {name: [len(own) for own in rounds] for name, rounds in seconds.items()} == {
        SERVICE: [5, 5],
        FORWARD: [5, 5],
        HOP: [5, 5],
    }
    assert report.ratio > 0
