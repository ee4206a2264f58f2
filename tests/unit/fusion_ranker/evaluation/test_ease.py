import numpy as np
import pytest

from modalmesh_services.fusion_ranker import ranking
from modalmesh_services.fusion_ranker.dataset import liked_matrix
from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation import protocols
from modalmesh_services.fusion_ranker.evaluation.baselines import Ease, Popularity
from modalmesh_services.fusion_ranker.systems.interface import System


def _ndcg_and_recall(system: System, dataset: Dataset) -> tuple[float, float]:
    (split,) = protocols.users(dataset)
    scores = system.fit(split.training).score(split.scored.histories, split.scored.times_ms)
    lists = ranking.ranked_lists(scores, split.scored.histories, split.ranked, 20)
    hit = ranking.hits(lists, split.scored.targets)
    counts = np.array([len(own) for own in split.scored.targets], np.int32)
    return float(ranking.ndcg(hit[:, :10], counts).mean()), float(ranking.recall(hit, counts).mean())


def test_the_dual_form_is_the_paper_s_formula(made: Dataset) -> None:
    (split,) = protocols.users(made)
    rows = liked_matrix(split.training.histories, 60).toarray().astype(np.float64)
    inverse = np.linalg.inv(rows.T @ rows + 7 * np.eye(60))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    known = liked_matrix(split.scored.histories, 60).toarray()
    scores = Ease(7).fit(split.training).score(split.scored.histories, split.scored.times_ms)
    np.testing.assert_allclose(scores, known @ weights, atol=1e-6)


def test_ease_finds_the_camps_that_popularity_cannot(made: Dataset) -> None:
    assert _ndcg_and_recall(Ease(5), made)[0] > 1.5 * _ndcg_and_recall(Popularity(), made)[0]


@pytest.mark.parametrize(
    ("system", "ndcg", "recall"), [(Popularity(), 0.087, 0.084), (Ease(200), 0.147, 0.159), (Ease(30), 0.136, None)]
)
def test_the_films_give_the_figures_of_their_manual(
    films: Dataset, system: System, ndcg: float, recall: float | None
) -> None:
    measured = _ndcg_and_recall(system, films)
    assert measured[0] == pytest.approx(ndcg, abs=0.001)
    assert recall is None or measured[1] == pytest.approx(recall, abs=0.001)
