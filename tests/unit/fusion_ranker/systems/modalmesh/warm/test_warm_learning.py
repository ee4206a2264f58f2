from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.systems.interface import Step, Training, Watch
from modalmesh_services.fusion_ranker.systems.modalmesh.settings import Settings
from modalmesh_services.fusion_ranker.systems.modalmesh.warm import candidates, cuts
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.crowd import Crowd
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.learning import FittedWarm, fit
from tests.unit.fusion_ranker.systems.modalmesh.warm.made import ITEMS, made_histories, made_training

SETTINGS = Settings(epochs=4, networks=1)
STRANGERS = [replace(history[:9], user_id=f"new{row}") for row, history in enumerate(made_histories(6, seed=5))]
ASKED = np.array([history.last_time_ms for history in STRANGERS], np.int64)


def learn(training: Training, folder: Path | None = None) -> tuple[FittedWarm, list[Step]]:
    steps: list[Step] = []
    fitted = fit(training, SETTINGS, Watch(steps.append, folder))
    return fitted, [step for step in steps if step.loss is not None]


@pytest.fixture(scope="module")
def fitted() -> FittedWarm:
    return learn(made_training())[0]


def nothing_done() -> History:
    none = np.zeros(0, np.int32)
    return History("x", none, none.astype(np.int64), none.astype(np.float32), none.astype(np.bool_))


@pytest.mark.parametrize("with_order", [True, False])
def test_strangers_get_what_their_camp_likes_first(with_order: bool) -> None:
    scores = learn(made_training(with_order=with_order))[0].score(STRANGERS, ASKED)
    for row, (history, own) in enumerate(zip(STRANGERS, scores, strict=True)):
        left = np.setdiff1d(np.arange(ITEMS), history.items)
        best = left[np.argsort(-own[left])][:6]
        assert ((best < 30) == (row % 2 == 0)).mean() >= 0.8


def test_the_same_training_gives_the_same_scores(fitted: FittedWarm) -> None:
    again, _ = learn(made_training())
    assert np.array_equal(again.score(STRANGERS, ASKED), fitted.score(STRANGERS, ASKED))


def test_a_score_does_not_depend_on_who_else_is_scored(fitted: FittedWarm) -> None:
    together, alone = fitted.score(STRANGERS, ASKED), fitted.score(STRANGERS[2:3], ASKED[2:3])
    np.testing.assert_allclose(alone[0], together[2], rtol=1e-3, atol=1e-3)


def test_scores_are_log_odds_that_hold(fitted: FittedWarm) -> None:
    histories = made_histories()
    lessons = cuts.in_time(histories)
    times = np.array([lesson.history.last_time_ms for lesson in lessons], np.int64)
    scores = fitted.score([lesson.history for lesson in lessons], times)
    expected = liked = 0.0
    for own, lesson in zip(scores, lessons, strict=True):
        left = np.setdiff1d(np.arange(ITEMS), lesson.history.items)
        expected += float((1 / (1 + np.exp(-own[left]))).sum())
        liked += len(lesson.targets)
    assert expected == pytest.approx(liked, rel=0.1)


def test_who_did_nothing_gets_what_is_popular(fitted: FittedWarm) -> None:
    scores = fitted.score([nothing_done()], np.zeros(1, np.int64))
    assert np.isfinite(scores).all()
    likes = fitted.features.models.crowd.like_counts
    assert likes[np.argsort(-scores[0])[:10]].mean() > likes.mean()


def test_items_out_of_training_are_no_candidates() -> None:
    training = made_training()
    trainable = np.arange(ITEMS) % 6 != 0
    histories = [history[trainable[history.items]] for history in training.histories]
    fitted, _ = learn(replace(training, histories=histories, trainable=trainable))
    known = STRANGERS[0][trainable[STRANGERS[0].items]]
    scores = fitted.score([known], ASKED[:1])[0]
    assert scores[~trainable].max() < np.median(scores[trainable])


def test_too_little_to_learn_from_ranks_by_the_leading_model() -> None:
    training = made_training()
    few = [history[:3] for history in training.histories]
    fitted, steps = learn(replace(training, histories=few))
    assert fitted.blend is None
    assert steps == []
    assert np.isfinite(fitted.score(STRANGERS, ASKED)).all()


def test_lost_texts_and_pictures_change_scores_but_not_what_was_learned(fitted: FittedWarm) -> None:
    catalogue = made_training().catalogue
    hidden = np.ones(ITEMS, np.bool_)
    bare = fitted.serving(catalogue.without_texts(hidden).without_pictures(hidden))
    assert not np.allclose(bare.score(STRANGERS, ASKED), fitted.score(STRANGERS, ASKED), atol=1e-3)
    assert np.array_equal(fitted.serving(catalogue).score(STRANGERS, ASKED), fitted.score(STRANGERS, ASKED))


def test_a_training_that_goes_on_gives_the_same(tmp_path: Path, fitted: FittedWarm) -> None:
    _, first = learn(made_training(), tmp_path)
    resumed, second = learn(made_training(), tmp_path)
    assert [step.done for step in first] == [1, 2, 3, 4]
    assert second == []
    assert np.array_equal(resumed.score(STRANGERS, ASKED), fitted.score(STRANGERS, ASKED))


def test_lessons_end_where_a_share_of_the_likes_is_reached() -> None:
    history = made_histories()[0]
    lessons = cuts.in_time([history])
    likes = int(history.positive.sum())
    known = [int(lesson.history.positive.sum()) for lesson in lessons]
    assert known == [int(likes * share + 1e-9) for share in (0.8, 0.65, 0.5)]
    for lesson in lessons:
        assert not set(lesson.targets) & set(lesson.history.items)
        assert len(lesson.targets) + lesson.history.positive.sum() == likes


def test_without_order_a_fifth_is_hidden() -> None:
    histories = [history.without_order() for history in made_histories()]
    lessons = cuts.hidden(histories, Crowd.of(histories, ITEMS))
    whole = {history.user_id: history for history in histories}
    for lesson in lessons:
        own = whole[lesson.history.user_id]
        assert len(lesson.history) == len(own) - round(0.2 * len(own))
        assert set(lesson.targets) <= set(own.liked) - set(lesson.history.items)


def test_a_model_that_tells_nothing_chooses_nothing() -> None:
    scores = {"flat": np.zeros((1, 5), np.float32), "told": np.array([[0, 3, 1, 0, 2]], np.float32)}
    allowed = np.array([[True, True, True, True, False]])
    fused = candidates.fuse(scores, ["flat", "told"], allowed)
    np.testing.assert_allclose(fused, [[0, 1 / 31, 1 / 32, 0, 0]], rtol=1e-6)


def test_candidates_go_by_what_leads_where_no_model_chose_them() -> None:
    fused = np.array([[0, 0.1, 0, 0]], np.float32)
    chosen = candidates.choose(fused, np.array([[1, 0, 3, 9]], np.float32), np.array([[True, True, True, False]]))
    assert chosen.tolist() == [[1, 2, 0, -1]]
