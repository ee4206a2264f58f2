from pathlib import Path

import numpy as np
import pytest
import torch

from modalmesh_services.fusion_ranker.systems.interface import GivesProbabilities, Step, Watch, WatchedSystem
from modalmesh_services.fusion_ranker.systems.multimodal.learning import MultimodalSystem, system
from modalmesh_services.fusion_ranker.systems.multimodal.trained import TrainedMultimodal
from tests.unit.fusion_ranker.systems.multimodal.made import ITEMS, TINY, USERS, camp, cold_training, training
from tests.unit.fusion_ranker.systems.multimodal.test_reading_configurations import NAMED


class Interrupted(Exception):
    pass


def tiny(name: str = "FeatureAligner", **changes: object) -> MultimodalSystem:
    return system(name, {**TINY, **changes})


def assert_same(one: TrainedMultimodal, other: TrainedMultimodal) -> None:
    ours, theirs = one.parts().arrays, other.parts().arrays
    assert {name for name in ours if not np.array_equal(ours[name], theirs[name])} == set()


def share_of_own_camp(trained: TrainedMultimodal, items: range) -> float:
    """How often, of the items that a user hasn't met, one of the own camp is above one of the other."""
    world = training()
    times = np.array([own.last_time_ms for own in world.histories], np.int64)
    found: list[bool] = []
    for user, (own, scores) in enumerate(zip(world.histories, trained.score(world.histories, times), strict=True)):
        fresh = [item for item in items if item not in own.items]
        ours = [scores[item] for item in fresh if camp(item) == user % 2]
        theirs = [scores[item] for item in fresh if camp(item) != user % 2]
        found += [one > other for one in ours for other in theirs]
    return float(np.mean(found))


@pytest.mark.parametrize("name", NAMED)
def test_every_system_learns_whose_items_are_whose(name: str) -> None:
    trained = tiny(name, epochs=8, rate=0.03, states=2).fit(training())
    assert share_of_own_camp(trained, range(ITEMS)) > 0.85


def test_items_that_nobody_met_are_known_by_their_content() -> None:
    trained = tiny("gan-completion", epochs=8, rate=0.03, states=2).fit(cold_training())
    assert set(trained.vocabulary).isdisjoint(f"item-{item}" for item in range(30, ITEMS))
    assert share_of_own_camp(trained, range(30, ITEMS)) > 0.8


@pytest.mark.parametrize("loss", ["softmax", "bce"])
def test_the_loss_falls(loss: str) -> None:
    curve = tiny(loss=loss, epochs=4, rate=0.01).fit(training()).curve
    assert curve[-1].loss < curve[0].loss


@pytest.mark.parametrize("name", ["gan-completion", "MultiModalProductRecommender"])
def test_the_same_seed_gives_the_same_weights_and_another_one_others(name: str) -> None:
    trained = tiny(name).fit(training())
    assert_same(trained, tiny(name).fit(training()))
    assert not np.array_equal(trained.network.liked.weight, tiny(name, seed=1).fit(training()).network.liked.weight)


def test_training_leaves_the_callers_random_numbers_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    tiny().fit(training())
    assert torch.equal(torch.rand(2), expected)


def test_training_tells_each_epoch_and_keeps_the_curve() -> None:
    steps: list[Step] = []
    watched: WatchedSystem = tiny(epochs=3, held_out=5)
    trained = watched.fit_watched(training(), Watch(steps.append))
    assert isinstance(watched, WatchedSystem)
    assert [(step.done, step.total) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    assert [(step.loss, step.validation) for step in steps] == [
        (epoch["loss"], epoch["validation"]) for epoch in trained.parts().settings["curve"]
    ]
    assert all(step.validation is not None and 0 <= step.validation <= 1 for step in steps)


@pytest.mark.parametrize("name", ["gan-completion", "MultiModalAttention"])
def test_an_interrupted_training_goes_on_as_if_nothing_had_happened(name: str, tmp_path: Path) -> None:
    def interrupt(step: Step) -> None:
        if step.done == 2:
            raise Interrupted

    own = tiny(name, epochs=4, **{"balance.gates": True})
    with pytest.raises(Interrupted):
        own.fit_watched(training(), Watch(interrupt, tmp_path))
    steps: list[Step] = []
    resumed = own.fit_watched(training(), Watch(steps.append, tmp_path))
    whole = own.fit(training())
    assert [step.done for step in steps] == [3, 4]
    assert_same(resumed, whole)
    assert resumed.curve == whole.curve
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}


def test_a_torn_epoch_is_learned_again(tmp_path: Path) -> None:
    own = tiny(epochs=2)
    whole = own.fit_watched(training(), Watch(lambda step: None, tmp_path))
    (tmp_path / "epoch-3.safetensors").write_bytes(b"torn")
    assert_same(own.fit_watched(training(), Watch(lambda step: None, tmp_path)), whole)


def test_training_stops_when_nothing_is_gained_and_keeps_the_best() -> None:
    trained = tiny(epochs=30, patience=2, held_out=6, rate=0.05).fit(training())
    best = max(range(len(trained.curve)), key=lambda place: (trained.curve[place].validation or 0.0, -place))
    assert len(trained.curve) == best + 3 < 30


def test_without_order_neither_times_nor_places_count() -> None:
    world = training()
    shuffled = type(world)([own.without_order() for own in world.histories], world.catalogue, world.trainable, False)
    trained = tiny("MultiModalVideoRecommender").fit(shuffled)
    own = world.histories[0].without_order()
    zero, later = np.zeros(1, np.int64), np.full(1, 10**12, np.int64)
    assert np.array_equal(trained.score([own], zero), trained.score([own], later))


def test_users_without_a_history_are_scored_all_alike() -> None:
    world = training()
    scores = tiny().fit(world).score([world.histories[0][:0]] * 2, np.zeros(2, np.int64))
    assert np.isfinite(scores).all()
    assert np.array_equal(scores[0], scores[1])


def test_probabilities_are_scaled_to_what_is_liked() -> None:
    world = training()
    trained = tiny(epochs=4, held_out=6, rate=0.02).fit(world)
    times = np.array([own.last_time_ms for own in world.histories], np.int64)
    chances = trained.probabilities(trained.score(world.histories, times), world.histories, times)
    assert isinstance(trained, GivesProbabilities)
    # Some 3 of 26 unseen items are liked in the end that is held out.
    assert 0.03 < chances.mean() < 0.3
    assert len(chances) == USERS
