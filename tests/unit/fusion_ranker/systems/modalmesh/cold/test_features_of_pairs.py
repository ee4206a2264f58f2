from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from modalmesh_services.fusion_ranker.dataset.arrays import Floats
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content import IMAGE
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.features import Liked, features
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.similarities import (
    TOGETHER,
    Moments,
    cubes,
    usual_cubes,
)
from tests.unit.fusion_ranker.systems.modalmesh.cold.made import fitted

WEIGHTS = {"a": 1.0, "b": 0.5}


def unit_rows(count: int, width: int, seed: int) -> Floats:
    rows = np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)
    rows[::4] = 0
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)


def kinds(count: int, seed: int) -> dict[str, Floats]:
    return {"a": unit_rows(count, 3, seed), "b": unit_rows(count, 5, seed + 1)[::-1]}


def test_products_are_standardised_over_the_items_of_the_moments() -> None:
    items, users = unit_rows(80, 6, 0), unit_rows(5, 6, 1)[1:4]
    scores = Moments.of(items).standardised(users, items)
    assert scores.mean(axis=1) == pytest.approx(0, abs=1e-5)
    assert scores.std(axis=1, ddof=1) == pytest.approx(1, abs=1e-4)


def test_a_user_of_whom_nothing_is_known_scores_nothing() -> None:
    items = unit_rows(8, 6, 0)
    assert not Moments.of(items).standardised(np.zeros((1, 6), np.float32), items).any()


def test_cubes_add_up_over_what_was_liked() -> None:
    likes = np.array([[1, 0, 1, 1, 0, 1, 1]], np.float32)
    history, items = kinds(7, 0), kinds(9, 5)
    found = cubes(sparse.csr_array(likes), history, items, WEIGHTS, 9)
    np.testing.assert_allclose(found["a"], likes @ (history["a"] @ items["a"].T) ** 3, atol=1e-5)
    joined = [np.concatenate([own["a"], 0.5 * own["b"]], axis=1) for own in (history, items)]
    lengths = [np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-9) for own in joined]
    cosines = (joined[0] / lengths[0]) @ (joined[1] / lengths[1]).T
    np.testing.assert_allclose(found[TOGETHER], likes @ cosines**3, atol=1e-5)


def test_an_item_of_the_reference_is_not_compared_with_itself() -> None:
    items = {"a": np.eye(3, dtype=np.float32)}
    assert not usual_cubes(items, items, {"a": 1.0}, 3)["a"].any()


def history_of(count: int) -> Liked:
    model = fitted()
    rows = np.arange(1, 1 + count)
    likes = sparse.csr_array(np.ones((1, count), np.float32))
    year = np.array([2020], np.float32)
    return Liked(likes, model.table[rows], model.adds[rows], model.log_likes[rows], year, year + 1)


def test_that_an_item_lacks_its_picture_says_nothing_by_itself() -> None:
    """It counts as the average item: with and without a picture, features differ by what the picture shows alone."""
    model, liked = fitted(), history_of(6)
    bare = model.table[np.array([2])]
    bare = replace(bare, kinds={**bare.kinds, IMAGE: np.zeros_like(bare.kinds[IMAGE])})
    found = [each[0, 0] for each in features(liked, bare, model.model.space)]
    names = list(model.model.space.kinds.moments)
    place = 3 + names.index(IMAGE)
    assert found[place] == 0
    assert found[place + len(names)] == 0


def test_an_item_that_came_out_after_the_last_like_is_ahead_of_the_user() -> None:
    model, liked = fitted(), history_of(6)
    later = replace(liked, first_year=liked.first_year + 5, last_year=liked.last_year + 5)
    now, then = (features(each, model.table[np.array([2])], model.model.space) for each in (liked, later))
    changed = [one[0, 0] - other[0, 0] for one, other in zip(now, then, strict=True) if one[0, 0] != other[0, 0]]
    assert changed == pytest.approx([5, 5], abs=1e-3)
