import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from modalmesh_services.fusion_ranker.systems.platt import Line


@pytest.mark.parametrize("rate", [-6.0, 0.0, 2.0])
@pytest.mark.parametrize("scale", [0.01, 300.0])
def test_it_is_the_line_that_scikit_learn_finds(rate: float, scale: float) -> None:
    chance = np.random.default_rng(1)
    plain = chance.normal(size=5000)
    liked = chance.random(5000) < 1 / (1 + np.exp(-(1.5 * plain + rate)))
    slope, offset = Line.fitted((scale * plain + 7).astype(np.float32), liked).no_flatter_than(0.05)
    expected = LogisticRegression(C=1e9, tol=1e-10).fit(plain[:, None], liked)
    assert slope * scale == pytest.approx(expected.coef_[0, 0], rel=1e-3)
    assert offset + 7 * slope == pytest.approx(expected.intercept_[0], abs=2e-3)


def test_labels_may_be_shares() -> None:
    scores = np.repeat(np.array([0.0, 1.0]), 10)
    slope, offset = Line.fitted(scores, np.repeat(np.array([0.2, 0.6]), 10)).no_flatter_than(0.05)
    chances = 1 / (1 + np.exp(-(slope * np.array([0.0, 1.0]) + offset)))
    np.testing.assert_allclose(chances, [0.2, 0.6], rtol=1e-6)


@pytest.mark.parametrize("scores", [np.arange(20.0), -np.arange(20.0), np.full(20, 3.0)])
def test_scores_that_tell_all_the_opposite_or_nothing_give_a_finite_line_that_rises(
    scores: np.typing.NDArray[np.float64],
) -> None:
    slope, offset = Line.fitted(scores, np.arange(20) > 9).no_flatter_than(0.05)
    assert slope > 0
    assert np.isfinite([slope, offset]).all()
