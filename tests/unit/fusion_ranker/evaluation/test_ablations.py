from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modalmesh_services.fusion_ranker.dataset import Catalogue, History, Tokens
from modalmesh_services.fusion_ranker.dataset.arrays import Floats, Times
from modalmesh_services.fusion_ranker.dataset.catalogue import NO_TIME
from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation import protocols
from modalmesh_services.fusion_ranker.evaluation.ablations import EVENTS, MODALITIES, Ablated, Change
from modalmesh_services.fusion_ranker.evaluation.baselines import ContentKnn, Ease, Popularity, Term
from modalmesh_services.fusion_ranker.evaluation.bootstrap import Interval
from modalmesh_services.fusion_ranker.evaluation.plans import Renamed, every
from modalmesh_services.fusion_ranker.evaluation.quality import ablation_plan, completion_plan
from modalmesh_services.fusion_ranker.evaluation.quality_page import quality_page, verdict
from modalmesh_services.fusion_ranker.evaluation.runner import Runner
from modalmesh_services.fusion_ranker.evaluation.store import Store
from modalmesh_services.fusion_ranker.systems.interface import Training
from tests.unit.fusion_ranker.evaluation.conftest import Heard

CHANGES = {change.name: change for change in (*MODALITIES, *EVENTS)}


@dataclass
class Spy:
    """Remembers what it is given."""

    trained: list[Training] = field(default_factory=list)
    served: list[Catalogue] = field(default_factory=list)
    asked: list[tuple[Sequence[History], Times]] = field(default_factory=list)
    name: str = "spy"
    version: int = 1

    @property
    def configuration(self) -> Mapping[str, object]:
        return {}

    def fit(self, training: Training) -> "Spy":
        self.trained.append(training)
        return self

    def score(self, histories: Sequence[History], times_ms: Times) -> Floats:
        self.asked.append((histories, times_ms))
        return np.zeros((len(histories), 60), np.float32)

    def serving(self, catalogue: Catalogue) -> "Spy":
        self.served.append(catalogue)
        return self


@pytest.fixture
def pictured(made: Dataset) -> Dataset:
    rows = np.arange(0, 60, 2, dtype=np.int32)
    vectors = rows[:, None].astype(np.float32)
    tokens = Tokens(60, vectors, rows, np.zeros(30, np.int32), ("title",))
    return replace(made, catalogue=replace(made.catalogue, text=tokens, image=tokens))


def _catalogue(name: str, dataset: Dataset) -> Catalogue:
    spy = Spy()
    (split,) = protocols.users(dataset)
    Ablated(spy, CHANGES[name]).fit(split.training)
    return spy.trained[0].catalogue


def test_a_modality_that_is_hidden_is_hidden_in_training(pictured: Dataset) -> None:
    assert not _catalogue("without pictures", pictured).image.present().any()
    assert _catalogue("without pictures", pictured).text.present().any()
    assert not _catalogue("without texts", pictured).text.present().any()
    bare = _catalogue("without any content", pictured)
    assert not (bare.text.present() | bare.image.present()).any()
    assert not bare.attributes.values.sum()
    assert (bare.times_ms == NO_TIME).all()


def test_shuffled_pictures_are_others_and_where_there_were_some(pictured: Dataset) -> None:
    before, after = pictured.catalogue.image, _catalogue("with shuffled pictures", pictured).image
    np.testing.assert_array_equal(after.present(), before.present())
    assert sorted(after.vectors.ravel().tolist()) == sorted(before.vectors.ravel().tolist())
    assert (after.pooled()[0] != before.pooled()[0]).any()


def test_what_is_hidden_in_training_is_hidden_in_serving(pictured: Dataset) -> None:
    spy = Spy()
    (split,) = protocols.PROTOCOLS["missing_10"](pictured)
    fitted = Ablated(spy, CHANGES["without pictures"]).fit(split.training)
    assert fitted.serving(split.training.catalogue) is fitted
    fitted.serving(split.served)
    assert not spy.served[0].image.present().any()


def test_without_order_neither_training_nor_asking_has_times(made: Dataset) -> None:
    spy = Spy()
    (split,) = protocols.users(made)
    Ablated(spy, CHANGES["without order"]).fit(split.training).score(split.scored.histories, split.scored.times_ms)
    ((histories, times_ms),) = spy.asked
    assert not spy.trained[0].has_order
    assert not any(history.times_ms.any() for history in (*spy.trained[0].histories, *histories))
    assert not times_ms.any()


def test_a_part_that_counts_is_missed(pictured: Dataset) -> None:
    (split, *_) = protocols.cold_items(pictured)
    system = ContentKnn((Term("attributes"),))
    whole, part = (each.fit(split.training) for each in (system, Ablated(system, CHANGES["without attributes"])))
    asked = split.scored.histories, split.scored.times_ms
    assert whole.score(*asked).any()
    assert not part.score(*asked).any()


def test_every_variant_of_the_default_has_its_own_place_in_the_store() -> None:
    plan = ablation_plan(("users",))["users"]
    names = [system.name for system in plan]
    assert names[0] == "modalmesh"
    assert len(set(names)) == len(names) == 1 + len(CHANGES) + 1


@pytest.mark.parametrize(
    ("added", "said"),
    [
        (Interval(0.1, 0.05, 0.2), "adds"),
        (Interval(-0.1, -0.2, -0.05), "harms"),
        (Interval(0.1, -0.05, 0.2), "adds nothing that can be told from chance"),
    ],
)
def test_an_interval_around_0_adds_nothing(added: Interval, said: str) -> None:
    assert verdict(added) == said


def test_the_page_says_what_each_part_adds(made: Dataset, tmp_path: Path) -> None:
    runner = Runner(made, Store(tmp_path), Heard())
    systems = [Renamed("ours", Ease(5)), Renamed("ours without likes", Popularity()), Renamed("ease_best", Ease(5))]
    whole, parts = runner.run(every(systems, ["users", "global_time"])), runner.run(every(systems[:2], ["users"]))
    page = quality_page("made", made, whole, parts, None, "ours")
    assert "global_time was skipped: these data have no user whom it could score." in page
    (row,) = [line for line in page.splitlines() if line.startswith("| ours without likes") and line.endswith("adds |")]
    ours, without = (parts.protocols["users"][name] for name in ("ours", "ours without likes"))
    assert f"{ours.difference('ndcg@10', without).value:.4f}" in row


def test_the_page_compares_ways_to_complete_on_the_items_without_a_picture(made: Dataset, tmp_path: Path) -> None:
    runner = Runner(made, Store(tmp_path), Heard())
    whole = runner.run(every([Popularity()], ["users"]))
    ways = runner.run(every([Renamed("a learned token", Ease(5)), Renamed("a GAN", Popularity())], ["users"]))
    lines = quality_page("made", made, whole, None, ways, "ours").splitlines()
    token, gan = (ways.protocols["users"][name] for name in ("a learned token", "a GAN"))
    (row,) = [line for line in lines if line.startswith("| a GAN |")]
    known = ~np.isnan(gan.figures["recall@20.without_picture"])
    assert known.sum() > 0
    less = (gan.figures["recall@20.without_picture"] - token.figures["recall@20.without_picture"])[known]
    assert f"| {less.mean():.4f} [" in row
    assert any(line.startswith("| a learned token |") and line.endswith("|  |") for line in lines)


def test_ways_to_complete_differ_in_nothing_else() -> None:
    (systems,) = completion_plan().values()
    configurations: list[dict[str, Any]] = [dict(own.configuration) for own in systems if isinstance(own, Renamed)]
    kinds = [configuration.pop("completion")["kind"] for configuration in configurations]
    assert kinds == ["token", "regression", "gan"]
    assert all(configuration == configurations[0] for configuration in configurations)


def test_a_change_of_another_kind_is_measured_anew() -> None:
    one, other = (Ablated(Ease(5), Change("x", version=version)).configuration for version in (1, 2))
    assert one != other
