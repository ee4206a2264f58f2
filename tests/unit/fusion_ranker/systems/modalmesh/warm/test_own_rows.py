"""No model may know a state by the row of the same user in the crowd."""

import numpy as np
import pytest

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.content import Content
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import NOBODY, Crowd, newest
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.models import Models
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.states import States
from tests.unit.fusion_ranker.systems.modalmesh.warm.made import ITEMS, made_catalogue, made_histories

HISTORIES = made_histories()
YEARS = np.arange(ITEMS, dtype=np.float32)
ASKED = np.array([history.last_time_ms for history in HISTORIES], np.int64)


@pytest.fixture(scope="module")
def side_rows() -> np.ndarray:
    return Content.of(made_catalogue(), np.ones(ITEMS, np.bool_)).side_rows()


@pytest.mark.parametrize("with_order", [True, False])
@pytest.mark.parametrize("user", [0, 7])
def test_leaving_a_row_out_is_the_same_as_never_having_had_it(
    user: int, with_order: bool, side_rows: np.ndarray
) -> None:
    whole = Crowd.of(HISTORIES, ITEMS)
    others = Crowd.of([history for history in HISTORIES if history.user_id != f"u{user}"], ITEMS)
    beginning = HISTORIES[user][:8]
    freed = Models.of(whole, side_rows, YEARS, with_order=with_order).scores(States.of(whole, [beginning], ASKED[:1]))
    never = Models.of(others, side_rows, YEARS, with_order=with_order).scores(States.of(others, [beginning], ASKED[:1]))
    unseen = np.setdiff1d(np.arange(ITEMS), beginning.items)
    assert freed.keys() == never.keys()
    for name, scores in freed.items():
        np.testing.assert_allclose(scores[0, unseen], never[name][0, unseen], rtol=2e-4, atol=2e-5, err_msg=name)


def test_a_row_that_is_not_left_out_would_show() -> None:
    whole, beginning = Crowd.of(HISTORIES, ITEMS), HISTORIES[0][:8]
    models = Models.of(whole, np.zeros((ITEMS, 0), np.float32), YEARS, with_order=True)
    freed = models.scores(States.of(whole, [beginning], ASKED[:1]))
    known = models.scores(States.of(whole, [beginning], ASKED[:1], np.array([NOBODY], np.int32)))
    unseen = np.setdiff1d(np.arange(ITEMS), beginning.items)
    assert [name for name in freed if np.allclose(freed[name][0, unseen], known[name][0, unseen], rtol=1e-3)] == []


def test_columns_alone_have_the_scores_that_they_have_among_all() -> None:
    crowd = Crowd.of(HISTORIES, ITEMS)
    models = Models.of(crowd, np.eye(ITEMS, dtype=np.float32)[:, :5], YEARS, with_order=True)
    rows, columns = crowd.rows_of(["u0", "nobody", "u2"]), np.array([50, 3, 17], np.int32)
    beginnings = tuple(history[:9] for history in HISTORIES[:3])
    whole = models.scores(States(crowd, beginnings, rows, ASKED[:3]))
    some = models.scores(States(crowd, beginnings, rows, ASKED[:3], columns))
    for name, scores in whole.items():
        np.testing.assert_allclose(some[name], scores[:, columns], rtol=1e-5, atol=1e-6, err_msg=name)


def test_a_user_is_known_by_events_where_names_are_not_kept() -> None:
    crowd = Crowd.of(HISTORIES, ITEMS)
    recent = HISTORIES[3][-6:]
    assert crowd.row_of_events(recent.items, recent.times_ms) == 3
    assert crowd.row_of_events(recent.items, recent.times_ms + 1) == NOBODY


def test_the_newest_event_of_an_item_counts() -> None:
    history = History(
        "u",
        np.array([4, 2, 4], np.int32),
        np.arange(3, dtype=np.int64),
        np.array([5, 4, 1], np.float32),
        np.array([True, True, False]),
    )
    once = newest(history)
    assert once.items.tolist() == [2, 4]
    assert once.positive.tolist() == [True, False]
