import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation.__main__ import main
from modalmesh_services.fusion_ranker.evaluation.baselines import Ease, Popularity
from modalmesh_services.fusion_ranker.evaluation.runner import BestOnTest, Runner
from modalmesh_services.fusion_ranker.evaluation.store import Store, fingerprint, key
from modalmesh_services.fusion_ranker.systems.interface import System


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def runner(made: Dataset, tmp_path: Path, told: list[str]) -> Runner:
    return Runner(made, Store(tmp_path), told.append)


def test_what_was_measured_is_not_measured_again(runner: Runner, told: list[str]) -> None:
    first = runner.run([Ease(5)], ["users", "cold_items"])
    assert len(told) == 4
    again = runner.run([Ease(5)], ["users", "cold_items"])
    assert len(told) == 4
    assert first.document() == again.document()


def test_a_torn_result_is_measured_again(runner: Runner, told: list[str], tmp_path: Path) -> None:
    runner.run([Popularity()], ["users"])
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    runner.run([Popularity()], ["users"])
    assert len(told) == 2


def test_the_best_on_the_test_is_the_best_of_its_candidates(runner: Runner) -> None:
    systems: list[System | BestOnTest] = [Popularity(), Ease(5), BestOnTest("best", [Popularity(), Ease(5)])]
    results = runner.run(systems, ["users"]).protocols["users"]
    assert results["ease"].mean("ndcg@10") > results["popularity"].mean("ndcg@10")
    assert results["best"].mean("ndcg@10") == results["ease"].mean("ndcg@10")


def test_the_document_has_a_value_and_its_interval(runner: Runner) -> None:
    document = json.loads(json.dumps(runner.run([Ease(5)], ["new_users"]).document()))
    result = document["protocols"]["new_users"]["ease"]
    assert result["ndcg@10"]["low"] < result["ndcg@10"]["value"] < result["ndcg@10"]["high"]
    assert result["seeds"] == [f"fold-{number}" for number in range(5)]
    assert 0 <= result["pairs.accuracy"]["value"] <= 1


def test_a_protocol_without_users_is_said_to_be_skipped(runner: Runner, told: list[str]) -> None:
    evaluation = runner.run([Popularity()], ["global_time"])
    assert list(evaluation.skipped) == ["global_time"]
    assert told == ["global_time: skipped, these data have no user whom it could score"]


def test_a_result_depends_on_data_and_configuration(made: Dataset) -> None:
    other = Dataset(made.catalogue.without_tags(), made.interactions)
    assert fingerprint(made) != fingerprint(other)
    assert key("data", "users", "users", Ease(5)) != key("data", "users", "users", Ease(6))


def test_the_command_prints_one_document(tmp_path: Path) -> None:
    items = "\n".join(json.dumps({"item_id": f"i{row}", "title": "x"}) for row in range(20))
    events = [f"{user},i{(user + row) % 20},{row},{5 if row % 4 else 1}" for user in range(8) for row in range(16)]
    (tmp_path / "items.jsonl").write_text(items)
    (tmp_path / "interactions.csv").write_text("\n".join(["user_id,item_id,timestamp,rating", *events]))
    options = ["--protocol", "users", "--system", "popularity", "--json", "--results", str(tmp_path / "kept")]
    answer = CliRunner().invoke(main, [str(tmp_path), *options])
    assert answer.exit_code == 0, answer.output
    assert np.isfinite(json.loads(answer.stdout)["protocols"]["users"]["popularity"]["ndcg@10"]["value"])
