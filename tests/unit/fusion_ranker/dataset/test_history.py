import numpy as np

from modalmesh.types import Event
from modalmesh_services.fusion_ranker.dataset import Interactions


def _events(*rows: tuple[str, str, int, float]) -> list[Event]:
    return [Event(user, item, time, value=value) for user, item, time, value in rows]


def test_events_are_in_time_order_and_ties_by_item_number() -> None:
    events = _events(("u", "10", 5, 4), ("u", "9", 5, 4), ("u", "2", 7, 4), ("u", "3", 1, 4))
    (history,) = Interactions.collect(events, {"2": 0, "3": 1, "9": 2, "10": 3}).histories
    assert history.items.tolist() == [1, 2, 3, 0]


def test_a_rating_is_positive_from_the_threshold_on() -> None:
    events = _events(("u", "a", 1, 3.0), ("u", "b", 2, 3.5))
    (history,) = Interactions.collect(events, {"a": 0, "b": 1}).histories
    assert history.liked.tolist() == [1]


def test_other_events_are_positive_unless_they_refuse() -> None:
    events = [Event("u", "a", 1, type="purchase"), Event("u", "b", 2, type="hide")]
    (history,) = Interactions.collect(events, {"a": 0, "b": 1}).histories
    assert history.positive.tolist() == [True, False]
    assert np.isnan(history.ratings).all()


def test_events_of_unknown_items_are_counted_and_left_out() -> None:
    interactions = Interactions.collect(_events(("u", "a", 1, 4), ("u", "gone", 2, 4)), {"a": 0})
    assert (len(interactions), interactions.unknown_items) == (1, 1)


def test_without_order_nothing_of_time_is_left() -> None:
    (history,) = Interactions.collect(_events(("u", "b", 1, 4), ("u", "a", 2, 1)), {"a": 0, "b": 1}).histories
    plain = history.without_order()
    assert plain.items.tolist() == [0, 1]
    assert plain.positive.tolist() == [False, True]
    assert not plain.times_ms.any()
