"""Variants of one history, taken together, have the features that each has by itself."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import Flags, Floats
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.content import Content
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.context import context
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import Crowd
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.features import Moments
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.likeness import content_features
from tests.unit.fusion_ranker.systems.modalmesh.warm.made import ITEMS, made_catalogue, made_histories

HISTORY = made_histories()[0]
SHARED = sparse.random_array((ITEMS, 30), density=0.2, format="csr", dtype=np.float32, rng=np.random.default_rng(0))
CONTENT = replace(Content.of(made_catalogue(), np.ones(ITEMS, np.bool_)), bags={"cast": SHARED})
COUNTS = Crowd.of(made_histories(), ITEMS).rating_counts
CANDIDATES = np.array([50, 3, 17], np.int32)
NOW = HISTORY.last_time_ms + 1000


def features(history: History, kept: Flags, *, with_order: bool) -> Mapping[str, Floats]:
    return {
        **context(history, kept, COUNTS, CONTENT.years, NOW, with_order=with_order),
        **content_features(CONTENT, history, kept, CANDIDATES, NOW, with_order=with_order),
    }


@pytest.mark.parametrize("with_order", [True, False])
def test_a_variants_features_are_those_of_a_history_of_what_it_keeps(with_order: bool) -> None:
    kept = np.random.default_rng(0).random((6, len(HISTORY))) < 0.6
    together = features(HISTORY, kept, with_order=with_order)
    for row, own in enumerate(kept):
        alone = features(HISTORY[own], np.ones((1, int(own.sum())), np.bool_), with_order=with_order)
        assert alone.keys() == together.keys()
        for name, value in alone.items():
            np.testing.assert_allclose(together[name][row], value[0], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("with_order", [True, False])
def test_a_variant_without_anything_has_features_too(with_order: bool) -> None:
    nothing = features(HISTORY[:1], np.array([[True], [False]]), with_order=with_order)
    assert all(np.isfinite(value).all() for value in nothing.values())
    assert nothing["u_size"].tolist() == [pytest.approx(np.log(2)), 0.0]


def test_what_is_shared_is_the_weight_of_common_values() -> None:
    kept = np.ones((1, len(HISTORY)), np.bool_)
    found = content_features(CONTENT, HISTORY, kept, CANDIDATES, NOW, with_order=False)
    bag = SHARED.toarray()
    profile = bag[HISTORY.liked].sum(axis=0)
    np.testing.assert_allclose(found["bag.cast"][0], np.log1p(bag[CANDIDATES] @ profile), rtol=1e-5)


def test_moments_are_those_of_the_items_that_are_left() -> None:
    random = np.random.default_rng(0)
    scores, among = random.normal(3, 2, (2, 3, 40)).astype(np.float32), random.random((3, 40)) < 0.7
    moments = Moments.of(("pop", "ease"), scores, among)
    found = moments(scores)
    np.testing.assert_array_equal(found[0], scores[0])
    for row, own in enumerate(among):
        assert found[1, row, own].mean() == pytest.approx(0, abs=1e-5)
        assert found[1, row, own].std() == pytest.approx(1, abs=1e-5)
