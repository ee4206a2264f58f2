from dataclasses import replace

import numpy as np
import pytest

from modalmesh.types import Item
from modalmesh_services.fusion_ranker.dataset import Catalogue, Tokens
from modalmesh_services.fusion_ranker.dataset.arrays import Floats
from modalmesh_services.fusion_ranker.dataset.catalogue import NO_TIME
from modalmesh_services.fusion_ranker.dataset.reading import build_catalogue
from modalmesh_services.fusion_ranker.systems.interface import Training
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.learning import fit
from tests.unit.fusion_ranker.systems.modalmesh.cold.made import cold_rows, fitted, styles, training, world

COUNT = 120
NOW = np.zeros(8, np.int64)


def own_style_first(scores: Floats, users: int) -> float:
    """The share of pairs of a cold item of the user's style and one of another in which the former is above."""
    cold, style = cold_rows(COUNT), styles(COUNT)
    above = []
    for user in range(users):
        own, other = scores[user, cold & (style == user % 4)], scores[user, cold & (style != user % 4)]
        above.append((own[:, None] > other[None, :]).mean())
    return float(np.mean(above))


def test_cold_items_of_the_style_that_was_liked_come_first() -> None:
    scores = fitted().score(training(world(), cold_rows(COUNT)).histories[:8], NOW)
    assert scores.shape == (8, COUNT)
    assert own_style_first(scores, 8) > 0.9


def test_a_user_is_known_by_the_history_alone() -> None:
    (history,) = training(world(), cold_rows(COUNT)).histories[:1]
    stranger = replace(history, user_id="never seen")
    np.testing.assert_array_equal(fitted().score([history], NOW[:1]), fitted().score([stranger], NOW[:1]))


def test_the_same_training_gives_the_same_scores() -> None:
    given = training(world(), cold_rows(COUNT))
    again = fit(given).score(given.histories[:2], NOW[:2])
    np.testing.assert_array_equal(again, fitted().score(given.histories[:2], NOW[:2]))


def test_a_score_does_not_depend_on_who_else_is_scored() -> None:
    histories = training(world(), cold_rows(COUNT)).histories
    alone = fitted().score(histories[3:4], NOW[:1])
    np.testing.assert_allclose(fitted().score(histories[:8], NOW)[3], alone[0], atol=1e-4)


def test_scores_are_log_odds_of_liking_an_item() -> None:
    dataset, cold = world(), cold_rows(COUNT)
    given = training(dataset, cold)
    scores = fitted().score(given.histories, np.zeros(len(given.histories), np.int64))[:, cold]
    liked = np.zeros((len(given.histories), COUNT), np.bool_)
    for row, history in enumerate(dataset.interactions.histories):
        liked[row, history.liked] = True
    told = 1 / (1 + np.exp(-scores))
    assert told.mean() == pytest.approx(liked[:, cold].mean(), rel=0.5)


def test_without_texts_in_serving_pictures_and_attributes_still_tell() -> None:
    hidden = np.ones(COUNT, np.bool_)
    served = fitted().serving(world().catalogue.without_texts(hidden))
    scores = served.score(training(world(), cold_rows(COUNT)).histories[:8], NOW)
    assert own_style_first(scores, 8) > 0.75
    assert np.isfinite(scores).all()


def test_serving_the_same_catalogue_changes_nothing() -> None:
    histories = training(world(), cold_rows(COUNT)).histories[:2]
    served = fitted().serving(world().catalogue)
    np.testing.assert_array_equal(served.score(histories, NOW[:2]), fitted().score(histories, NOW[:2]))


def test_a_history_of_cold_items_alone_tells_a_style() -> None:
    dataset, cold = world(), cold_rows(COUNT)
    own = np.flatnonzero(cold & (styles(COUNT) == 0)).astype(np.int32)
    history = replace(dataset.interactions.histories[0][: len(own)], items=own, positive=np.ones(len(own), np.bool_))
    assert own_style_first(fitted().score([history], NOW[:1]), 1) > 0.9


def test_nobody_and_nothing_liked_can_be_scored() -> None:
    assert fitted().score([], NOW[:0]).shape == (0, COUNT)
    disliked = training(world(), cold_rows(COUNT)).histories[0]
    disliked = replace(disliked, positive=np.zeros(len(disliked), np.bool_))
    assert np.isfinite(fitted().score([disliked], NOW[:1])).all()


@pytest.mark.parametrize("lacking", ["texts", "pictures", "all"])
def test_tiny_catalogues_that_lack_something_can_be_learned(lacking: str) -> None:
    dataset = world(30, 12)
    catalogue = _without(dataset.catalogue, lacking)
    given = replace(training(dataset, cold_rows(30)), catalogue=catalogue)
    scores = fit(given).score(given.histories[:3], NOW[:3])
    assert scores.shape == (3, 30)
    assert np.isfinite(scores).all()


def test_three_items_and_one_user_can_be_learned() -> None:
    catalogue = build_catalogue([Item(f"i{row}") for row in range(3)])
    history = replace(world().interactions.histories[0][:2], items=np.array([0, 1], np.int32))
    fit(Training([history], catalogue, np.ones(3, np.bool_), has_order=False)).score([history], NOW[:1])


def test_without_order_times_play_no_part() -> None:
    given = replace(training(world(30, 12), cold_rows(30)), has_order=False)
    history = given.histories[0]
    later = replace(history, times_ms=history.times_ms + 10**12)
    learned = fit(given)
    np.testing.assert_array_equal(learned.score([history], NOW[:1]), learned.score([later], NOW[:1]))


def _without(catalogue: Catalogue, lacking: str) -> Catalogue:
    count = len(catalogue)
    if lacking in ("texts", "all"):
        catalogue = replace(catalogue, text=Tokens.empty(count))
    if lacking in ("pictures", "all"):
        catalogue = replace(catalogue, image=Tokens.empty(count))
    if lacking in ("times", "all"):
        catalogue = replace(catalogue, times_ms=np.full(count, NO_TIME))
    if lacking in ("attributes", "all"):
        attributes = build_catalogue([Item(f"item-{row}") for row in range(count)]).attributes
        catalogue = replace(catalogue, attributes=attributes)
    return catalogue
