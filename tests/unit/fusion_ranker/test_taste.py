from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modalmesh_services.fusion_ranker.models.taste import taste_of
from modalmesh_services.fusion_ranker.requests import NO_ROW
from tests.unit.fusion_ranker.builders import history


def test_only_positive_events_tell_a_taste() -> None:
    taste = taste_of(history([3, 4, 5], positive=[True, False, True]), power=0.0)
    assert taste.item_ids == ("item-3", "item-5")
    assert taste.rows.tolist() == [3, 5]


def test_recent_items_weigh_more() -> None:
    weights = taste_of(history([0, 1, 2]), power=1.0).weights
    np.testing.assert_allclose(weights, np.array([1 / 3, 1 / 2, 1]) / (11 / 6))


def test_items_of_the_same_time_weigh_the_same() -> None:
    weights = taste_of(history([0, 1, 2], times=[5, 9, 9]), power=1.0).weights
    assert weights[1] == weights[2] > weights[0]


def test_an_item_counts_once_however_often_it_was_met() -> None:
    taste = taste_of(history([7, 7, 7, 8]), power=0.0)
    assert taste.item_ids == ("item-7", "item-8")
    np.testing.assert_allclose(taste.weights, [0.5, 0.5])


@pytest.mark.parametrize(("positive", "liked"), [([True, False], ()), ([False, True], ("item-1",))])
def test_the_newest_event_of_an_item_decides(positive: list[bool], liked: tuple[str, ...]) -> None:
    past = replace(history([1, 1], positive=positive, times=[2, 1]), positive=np.array(positive[::-1]))
    assert taste_of(past, power=0.2).item_ids == liked


def test_an_item_without_a_vector_says_nothing() -> None:
    assert taste_of(history([NO_ROW, 2]), power=0.2).rows.tolist() == [2]


def test_no_likes_are_no_taste() -> None:
    taste = taste_of(history([1, 2], positive=[False, False]), power=0.2)
    assert taste.item_ids == ()
    assert len(taste.weights) == 0


@given(times=st.lists(st.integers(0, 5), min_size=1, max_size=30), power=st.floats(0, 3))
def test_weights_are_positive_and_add_up_to_one(times: list[int], power: float) -> None:
    weights = taste_of(history(range(len(times)), times=times), power).weights
    assert weights.sum() == pytest.approx(1.0)
    assert (weights > 0).all()
