import numpy as np
import pytest
from scipy import sparse

from modalmesh_services.fusion_ranker import ranking
from modalmesh_services.fusion_ranker.dataset import liked_matrix
from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation import protocols
from modalmesh_services.fusion_ranker.evaluation.baselines import ItemKnn
from modalmesh_services.fusion_ranker.evaluation.baselines.item_knn import nearest


def test_the_largest_of_each_row_are_kept_and_ties_go_by_column() -> None:
    similar = sparse.csr_array(np.array([[1, 3, 3], [1, 0, 0], [0, 0, 0]], np.float32))
    np.testing.assert_array_equal(nearest(similar, most=1).toarray(), [[0, 3, 0], [1, 0, 0], [0, 0, 0]])


def test_scores_are_the_sums_of_shrunk_cosines(made: Dataset) -> None:
    (split,) = protocols.users(made)
    liked = liked_matrix(split.training.histories, 60).toarray()
    norm = np.sqrt(liked.sum(axis=0))
    similar = liked.T @ liked / (np.outer(norm, norm) + 10)
    np.fill_diagonal(similar, 0)
    known = liked_matrix(split.scored.histories, 60).toarray()
    scores = ItemKnn(neighbours=60).fit(split.training).score(split.scored.histories, split.scored.times_ms)
    np.testing.assert_allclose(scores, known @ similar, atol=1e-5)


def test_the_films_give_the_figures_of_their_manual(films: Dataset) -> None:
    (split,) = protocols.users(films)
    scores = ItemKnn().fit(split.training).score(split.scored.histories, split.scored.times_ms)
    hit = ranking.hits(ranking.ranked_lists(scores, split.scored.histories, split.ranked, 20), split.scored.targets)
    counts = np.array([len(own) for own in split.scored.targets], np.int32)
    assert ranking.ndcg(hit[:, :10], counts).mean() == pytest.approx(0.130, abs=0.003)
