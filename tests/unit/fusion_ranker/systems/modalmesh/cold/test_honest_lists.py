from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from modalmesh_services.fusion_ranker.dataset.arrays import Floats
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.blend import Blend
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content import content_of, schema_of
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content_side import ContentSide
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.honest_lists import FOLDS, Honest, Lists, deal, make_honest
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.learning import crowd_of, kind_moments
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.network import Schedule, learn
from tests.unit.fusion_ranker.systems.modalmesh.cold.made import cold_rows, training, world


def test_folds_share_out_the_trainable_items() -> None:
    trainable = np.arange(23) > 2
    folds = deal(trainable)
    assert (folds[~trainable] == -1).all()
    assert np.bincount(folds[trainable], minlength=FOLDS).tolist() == [4] * FOLDS


def test_the_likes_of_an_item_play_no_part_in_its_own_features() -> None:
    """Who likes the items of a fold is dealt anew; what the lists say of these items stays the same."""
    given = training(world(), cold_rows(120))
    content = content_of(given.catalogue, schema_of(given.catalogue))
    side = ContentSide.fit(content, given.trainable)
    described, crowd = side.describe(content), crowd_of(given)
    kinds = kind_moments(side, described, given.trainable)
    away = deal(given.trainable) == 0
    matrix = crowd.likes.matrix.toarray()
    dealt = matrix.copy()
    dealt[:, away] = matrix[::-1][:, away]
    assert (dealt != matrix).any()
    counts = np.log1p(dealt.sum(axis=0)).astype(np.float32)
    other = replace(crowd, likes=replace(crowd.likes, matrix=type(crowd.likes.matrix)(dealt), log_counts=counts))
    one, two = (make_honest(described, each, kinds).drawn for each in (crowd, other))
    # The first fold's lists come first, one for each user who likes an item of the other folds.
    first = np.count_nonzero(matrix[:, ~away].sum(axis=1))
    assert (one.liked[:first] != two.liked[:first]).any()
    np.testing.assert_array_equal(one.features[:first], two.features[:first])


def made_lists(count: int, length: int, seed: int) -> Lists:
    """An item is liked where its fourth feature is large, but for noise."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(count, length, 5)).astype(np.float32)
    liked = features[..., 3] + 0.5 * random.normal(size=(count, length)) > 1.6
    liked[:, 0] = True
    return Lists(features, liked)


def test_a_blend_learns_order_and_how_sure_it_is() -> None:
    drawn = made_lists(60, 80, 1)
    blend = Blend.fit(Honest(made_lists(60, 80, 0), drawn, np.zeros((0, 0), np.float32)), np.ones(5, np.float32))
    log_odds = blend(arrays(made_lists(60, 80, 2).features))
    truth = made_lists(60, 80, 2).liked
    assert log_odds[truth].mean() > log_odds[~truth].mean() + 1
    told = 1 / (1 + np.exp(-log_odds))
    assert abs(told.mean() - truth.mean()) < 0.03


def test_too_few_lists_leave_it_to_what_leads() -> None:
    few = made_lists(3, 80, 0)
    blend = Blend.fit(Honest(few, few, np.zeros((0, 0), np.float32)), np.ones(5, np.float32))
    found = blend(arrays(few.features))
    lead = few.features[..., 0] + few.features[..., 2]
    np.testing.assert_array_equal(np.argsort(found, axis=1), np.argsort(lead, axis=1))


def arrays(features: Floats) -> list[Floats]:
    return [features[..., place] for place in range(features.shape[-1])]


def test_a_network_learns_what_is_not_linear() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(2000, 3)).astype(np.float32)
    targets = np.abs(features[:, 0]) + features[:, 1]
    wanted = torch.from_numpy(targets)

    def loss(outputs: Tensor, which: Tensor) -> Tensor:
        return (outputs - wanted[which]).square().mean()

    network = learn(features, loss, Schedule(20, 64, 5e-3, 0.0), seed=0)
    assert np.square(network(features) - targets).mean() < 0.1 * targets.var()


def test_a_feature_behind_a_gate_counts_linearly_alone() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(500, 2)).astype(np.float32)
    wanted = torch.from_numpy(np.abs(features[:, 0]) + features[:, 1])

    def loss(outputs: Tensor, which: Tensor) -> Tensor:
        return (outputs - wanted[which]).square().mean()

    network = learn(features, loss, Schedule(5, 64, 5e-3, 0.0), seed=0, gates=np.array([0, 1], np.float32))
    low, middle, high = network(np.array([[-1, 0.5], [0, 0.5], [1, 0.5]], np.float32))
    assert low + high == pytest.approx(2 * middle, abs=1e-4)


def test_learning_leaves_the_callers_random_numbers_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    learn(np.ones((4, 2), np.float32), lambda outputs, _: outputs.sum(), Schedule(1, 2, 0.1, 0), seed=0)
    assert torch.equal(torch.rand(1), expected)
