import numpy as np
import pytest
from scipy import stats

from modalmesh_services.fusion_ranker.evaluation import bootstrap

RANDOM = np.random.default_rng(3)
OURS = RANDOM.gamma(1, 0.1, 300).astype(np.float32)
THEIRS = (OURS * 0.8 + RANDOM.normal(0, 0.01, 300)).astype(np.float32)


def test_the_interval_of_a_mean_is_scipy_s() -> None:
    expected = stats.bootstrap((OURS,), np.mean, method="percentile", n_resamples=5000, rng=0).confidence_interval
    found = bootstrap.mean(OURS)
    assert found.value == pytest.approx(OURS.mean())
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=0.02)


def test_a_paired_difference_is_narrower_than_two_means() -> None:
    found, alone = bootstrap.difference(OURS, THEIRS), bootstrap.mean(OURS)
    assert found.value == pytest.approx(OURS.mean() - THEIRS.mean(), rel=1e-4)
    assert 0 < found.low < found.high
    assert found.high - found.low < 0.5 * (alone.high - alone.low)


def test_a_ratio_is_of_the_means_and_paired() -> None:
    found = bootstrap.ratio(OURS, THEIRS)
    assert found.value == pytest.approx(OURS.mean() / THEIRS.mean(), rel=1e-5)
    assert 1.2 < found.low < found.high < 1.3


def test_a_user_s_values_are_drawn_together() -> None:
    alone = bootstrap.mean(OURS)
    thrice = bootstrap.mean(np.tile(OURS, 3), np.tile(np.arange(300, dtype=np.int32), 3))
    assert (thrice.low, thrice.high) == pytest.approx((alone.low, alone.high))


def test_a_ratio_over_nothing_is_infinite() -> None:
    assert bootstrap.ratio(OURS, np.zeros_like(OURS)).value == np.inf
