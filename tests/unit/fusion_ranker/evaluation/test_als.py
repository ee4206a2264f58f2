import numpy as np

from modalmesh_services.fusion_ranker.dataset import liked_matrix
from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation import measuring, protocols
from modalmesh_services.fusion_ranker.evaluation.baselines import Als, Popularity
from modalmesh_services.fusion_ranker.evaluation.baselines.als import solve
from tests.unit.fusion_ranker.evaluation.conftest import made_history


def test_factors_are_the_weighted_least_squares_of_the_paper() -> None:
    factors = np.random.default_rng(0).normal(size=(6, 2))
    liked = liked_matrix([made_history(0, [1, 4], [True, True])], 6)
    wanted = liked.toarray()[0]
    weights = np.diag(1 + 10 * wanted)
    expected = np.linalg.solve(factors.T @ weights @ factors + 3 * np.eye(2), factors.T @ weights @ wanted)
    np.testing.assert_allclose(solve(liked, factors, 10, 3)[0], expected)


def test_the_camps_are_found(made: Dataset) -> None:
    (split,) = protocols.users(made)
    found, popular = (measuring.measure(each.fit(split.training), split) for each in (Als(dim=4), Popularity()))
    assert found.figures["recall@20"].mean() > 1.5 * popular.figures["recall@20"].mean()


def test_a_history_without_likes_has_no_opinion(made: Dataset) -> None:
    (split,) = protocols.users(made)
    scores = Als(dim=4).fit(split.training).score([made_history(0, [1], [False])], np.zeros(1, np.int64))
    assert not scores.any()
