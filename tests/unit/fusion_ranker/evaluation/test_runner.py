from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation.baselines import Ease, Popularity
from modalmesh_services.fusion_ranker.evaluation.plans import BestOnTest, Renamed, every
from modalmesh_services.fusion_ranker.evaluation.protocols import PROTOCOLS
from modalmesh_services.fusion_ranker.evaluation.runner import Runner
from modalmesh_services.fusion_ranker.evaluation.store import Store, fingerprint, key, training_key
from modalmesh_services.fusion_ranker.systems.interface import Fitted, Training
from tests.unit.fusion_ranker.evaluation.conftest import Heard


@dataclass
class Counting:
    """Popularity that counts its fits."""

    fits: int = 0
    name: str = "counting"
    version: int = 1

    @property
    def configuration(self) -> Mapping[str, object]:
        return {}

    def fit(self, training: Training) -> Fitted:
        self.fits += 1
        return Popularity().fit(training)


class Broken(Counting):
    def fit(self, training: Training) -> Fitted:
        raise FloatingPointError("diverged")


@pytest.fixture
def runner(made: Dataset, tmp_path: Path, heard: Heard) -> Runner:
    return Runner(made, Store(tmp_path), heard)


def test_what_was_measured_is_not_measured_again(runner: Runner, heard: Heard) -> None:
    plan = every([Ease(5)], ["users", "cold_items"])
    first = runner.run(plan)
    assert heard.done == [(number, 4) for number in range(1, 5)]
    again = runner.run(plan)
    assert len(heard.notes) == 4
    assert first.protocols["users"]["ease"].intervals == again.protocols["users"]["ease"].intervals


def test_a_torn_result_is_measured_again(runner: Runner, heard: Heard, tmp_path: Path) -> None:
    runner.run(every([Popularity()], ["users"]))
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    runner.run(every([Popularity()], ["users"]))
    assert len(heard.notes) == 2


def test_protocols_with_the_same_training_share_a_fit(runner: Runner) -> None:
    system = Counting()
    runner.run(every([system], ["users", "missing_10", "missing_90", "users_without_order"]))
    assert system.fits == 2


def test_a_system_that_fails_is_said_to_and_the_rest_goes_on(runner: Runner, heard: Heard) -> None:
    evaluation = runner.run(every([Broken(name="broken"), Popularity()], ["users", "missing_10"]))
    assert list(evaluation.protocols["missing_10"]) == ["popularity"]
    assert evaluation.failed["users"] == {"broken": "FloatingPointError: diverged"}
    assert "users/users broken failed: FloatingPointError: diverged" in heard.notes


def test_what_failed_is_tried_again(runner: Runner, heard: Heard) -> None:
    for _ in range(2):
        runner.run(every([Broken()], ["users"]))
    assert len(heard.notes) == 2


def test_the_best_on_the_test_is_the_best_of_its_candidates(runner: Runner) -> None:
    best = BestOnTest("best", [Popularity(), Ease(5)])
    results = runner.run(every([Popularity(), Ease(5), best], ["users"])).protocols["users"]
    assert results["ease"].mean("ndcg@10") > results["popularity"].mean("ndcg@10")
    assert results["best"].mean("ndcg@10") == results["ease"].mean("ndcg@10")


def test_named_systems_are_measured_where_all_are() -> None:
    plan = every([Popularity()], tuple(PROTOCOLS), [Renamed("named", Ease(5))])
    assert [protocol for protocol, systems in plan.items() if len(systems) == 2] == ["users", "cold_items"]


def test_a_protocol_without_users_is_said_to_be_skipped(runner: Runner, heard: Heard) -> None:
    evaluation = runner.run(every([Popularity()], ["global_time"]))
    assert list(evaluation.skipped) == ["global_time"]
    assert heard.notes == ["global_time: skipped, these data have no user whom it could score"]


def test_how_long_it_will_take_is_told(runner: Runner, heard: Heard) -> None:
    runner.run(every([Popularity()], ["new_users"]))
    assert all("about" in note for note in heard.notes[:-1])
    assert "left" not in heard.notes[-1]


def test_a_result_depends_on_data_and_configuration(made: Dataset) -> None:
    other = Dataset(made.catalogue.without_tags(), made.interactions)
    assert fingerprint(made) != fingerprint(other)
    assert key("data", "users", "users", Ease(5)) != key("data", "users", "users", Ease(6))
    assert key("data", "users", "users", Renamed("other", Ease(5))) != key("data", "users", "users", Ease(5))


def test_the_same_training_is_known_whoever_made_it(made: Dataset) -> None:
    (one,), (other,), (unordered,) = (PROTOCOLS[name](made) for name in ("users", "missing_10", "users_without_order"))
    assert training_key(one.training) == training_key(other.training) != training_key(unordered.training)


def test_processes_give_the_same_results(made: Dataset, tmp_path: Path, heard: Heard) -> None:
    plan = every([Ease(5), Popularity()], ["users", "missing_10"])
    one = Runner(made, Store(tmp_path / "one"), Heard()).run(plan).protocols["missing_10"]
    two = Runner(made, Store(tmp_path / "two"), heard, processes=2).run(plan).protocols["missing_10"]
    assert len(heard.notes) == 4
    assert all(one[name].mean("ndcg@10") == two[name].mean("ndcg@10") for name in ("ease", "popularity"))


def test_a_failure_in_a_process_is_told_and_the_rest_goes_on(made: Dataset, tmp_path: Path, heard: Heard) -> None:
    plan = every([Broken(name="broken"), Popularity()], ["users"])
    evaluation = Runner(made, Store(tmp_path), heard, processes=2).run(plan)
    assert evaluation.failed["users"] == {"broken": "FloatingPointError: diverged"}
    assert list(evaluation.protocols["users"]) == ["popularity"]
