import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from modalmesh_services.fusion_ranker.evaluation import bootstrap
from modalmesh_services.fusion_ranker.evaluation.pairs import calibration_error, pair_figures, pair_intervals


def test_the_threshold_is_a_half_and_is_itself_a_like() -> None:
    figures = pair_figures(np.array([0.5, 0.4, 0.9, 0.6], np.float32), np.array([True, True, True, False]))
    assert figures.accuracy == 0.5
    assert (figures.precision, figures.recall, figures.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert figures.auc == pytest.approx(1 / 3)


def test_log_loss_is_that_of_the_labels() -> None:
    figures = pair_figures(np.array([0.25, 0.75], np.float32), np.array([False, True]))
    assert figures.log_loss == pytest.approx(-np.log(0.75))


def test_one_class_has_no_auc() -> None:
    assert np.isnan(pair_figures(np.array([0.25, 0.75], np.float32), np.array([True, True])).auc)


def test_calibration_error_weighs_the_gaps_of_the_bins() -> None:
    sure_and_wrong, right = np.full(10, 0.95, np.float32), np.full(10, 0.25, np.float32)
    liked = np.array([True] * 5 + [False] * 5 + [True, True, True] + [False] * 7)
    assert calibration_error(np.concatenate([sure_and_wrong, right]), liked) == pytest.approx((0.45 + 0.05) / 2)


RANDOM = np.random.default_rng(0)
USERS = RANDOM.integers(0, 40, 2000).astype(np.int32)
LIKED = RANDOM.random(2000) < 0.6
TOLD = np.clip(0.5 + 0.2 * LIKED + RANDOM.normal(0, 0.2, 2000), 0, 1).round(2).astype(np.float32)


def test_every_figure_has_an_interval_around_it() -> None:
    for name, found in pair_intervals(TOLD, LIKED, USERS).items():
        assert found.low < found.value < found.high, name


def test_the_interval_of_the_auc_is_that_of_scikit_learn_s_auc_over_users() -> None:
    random, own = np.random.default_rng(1), [np.flatnonzero(user == USERS) for user in range(40)]
    drawn = (np.concatenate([own[user] for user in random.integers(0, 40, 40)]) for _ in range(120))
    expected = np.percentile([roc_auc_score(LIKED[rows], TOLD[rows]) for rows in drawn], (2.5, 97.5))
    found = pair_intervals(TOLD, LIKED, USERS)["auc"]
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=0.015)


def test_a_round_that_draws_everybody_once_gives_the_figures_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "drawn_users", lambda count, rounds: np.ones((2, count), np.int64))
    for name, found in pair_intervals(TOLD, LIKED, USERS).items():
        assert found.low == pytest.approx(found.value, abs=1e-6), name
