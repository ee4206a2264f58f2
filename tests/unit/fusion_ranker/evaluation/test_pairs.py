import numpy as np
import pytest

from modalmesh_services.fusion_ranker.evaluation.pairs import calibration_error, pair_figures


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
