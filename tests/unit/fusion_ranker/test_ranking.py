import numpy as np
import pytest
from sklearn.metrics import ndcg_score, precision_score, recall_score

from modalmesh_services.fusion_ranker import ranking
from tests.unit.fusion_ranker.evaluation.conftest import made_history

RANDOM = np.random.default_rng(1)
SCORES = RANDOM.normal(size=(20, 50)).astype(np.float32)
TARGETS = [RANDOM.choice(50, count, replace=False).astype(np.int32) for count in RANDOM.integers(1, 25, 20)]
COUNTS = np.array([len(own) for own in TARGETS], np.int32)
NOTHING = [made_history(user, [], []) for user in range(20)]
LISTS = ranking.ranked_lists(SCORES, NOTHING, np.ones(50, np.bool_), 10)
HIT = ranking.hits(LISTS, TARGETS)
RELEVANT = np.array([np.isin(np.arange(50), own) for own in TARGETS])
LISTED = np.array([np.isin(np.arange(50), own) for own in LISTS])


def test_ndcg_is_scikit_learn_s() -> None:
    expected = [ndcg_score([true], [own], k=10) for true, own in zip(RELEVANT, SCORES, strict=True)]
    np.testing.assert_allclose(ranking.ndcg(HIT, COUNTS), expected, rtol=1e-5)


def test_recall_precision_and_f1_are_scikit_learn_s() -> None:
    recalls = [recall_score(true, own) for true, own in zip(RELEVANT, LISTED, strict=True)]
    precisions = [precision_score(true, own) for true, own in zip(RELEVANT, LISTED, strict=True)]
    np.testing.assert_allclose(ranking.recall(HIT, COUNTS), recalls, rtol=1e-5)
    np.testing.assert_allclose(ranking.precision(HIT), precisions, rtol=1e-5)
    both = np.array([recalls, precisions])
    expected = 2 * both.prod(axis=0) / np.maximum(both.sum(axis=0), 1e-9)
    np.testing.assert_allclose(ranking.f1(HIT, COUNTS), expected, rtol=1e-5)


def test_the_first_hit_decides_the_reciprocal_rank() -> None:
    hit = np.array([[False, True, True], [True, False, False], [False, False, False]])
    np.testing.assert_allclose(ranking.reciprocal_rank(hit), [0.5, 1, 0])
    np.testing.assert_array_equal(ranking.hit_rate(hit), [1, 1, 0])


def test_seen_and_unranked_items_are_in_no_list() -> None:
    scores = np.array([[4, 3, 2, 1]], np.float32)
    lists = ranking.ranked_lists(scores, [made_history(0, [0], [False])], np.array([True, True, False, True]), 4)
    assert lists.tolist() == [[1, 3, -1, -1]]


def test_equal_scores_go_by_row() -> None:
    lists = ranking.ranked_lists(np.zeros((1, 5), np.float32), NOTHING[:1], np.ones(5, np.bool_), 3)
    assert lists.tolist() == [[0, 1, 2]]


def test_the_best_are_those_of_a_whole_stable_sort() -> None:
    scores = RANDOM.integers(0, 5, (30, 40)).astype(np.float32)
    np.testing.assert_array_equal(ranking.best(scores, 7), np.argsort(-scores, axis=1, kind="stable")[:, :7])


@pytest.mark.parametrize("length", [1, 10])
def test_a_perfect_list_has_ndcg_1(length: int) -> None:
    hit = np.ones((1, length), np.bool_)
    assert ranking.ndcg(hit, np.array([30], np.int32)).tolist() == [1]
