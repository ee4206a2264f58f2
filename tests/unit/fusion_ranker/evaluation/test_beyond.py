import numpy as np
import pytest

from modalmesh_services.fusion_ranker.evaluation import beyond

LISTS = np.array([[0, 1], [0, -1]], np.int32)


def test_coverage_counts_an_item_once_and_no_empty_place() -> None:
    assert beyond.coverage([LISTS], [4], np.arange(2, dtype=np.int32)).value == 0.5


def test_coverage_is_sure_of_what_everybody_is_shown_and_unsure_of_what_single_users_are() -> None:
    users = np.arange(30, dtype=np.int32)
    same = beyond.coverage([np.tile(np.arange(5, dtype=np.int32), (30, 1))], [400], users)
    own = beyond.coverage([np.random.default_rng(0).integers(0, 400, (30, 5), np.int32)], [400], users)
    assert same.low == same.value == same.high
    assert own.low < own.value < own.high


def test_coverage_of_splits_is_their_mean_and_a_user_s_lists_count_together() -> None:
    one, other = np.array([[0, 1], [2, 3]], np.int32), np.array([[0, 1], [0, 1]], np.int32)
    found = beyond.coverage([one, other], [4, 4], np.array([0, 1, 0, 1], np.int32))
    assert found.value == 0.75


def test_what_fewer_people_like_is_newer() -> None:
    found = beyond.novelty(LISTS, np.array([3, 0, 0, 0], np.float32), user_count=3)
    np.testing.assert_allclose(found, [1, 0])


def test_popularity_bias_is_the_mean_rank_by_likes() -> None:
    found = beyond.popularity_bias(LISTS, np.array([9, 0, 5, 5], np.float32))
    np.testing.assert_allclose(found, [0.5, 1])


def test_lists_at_random_have_no_popularity_bias() -> None:
    random = np.random.default_rng(0)
    likes = random.integers(0, 5, 100).astype(np.float32)
    assert beyond.popularity_bias(np.arange(100, dtype=np.int32)[None], likes)[0] == pytest.approx(0.5)


def test_diversity_is_one_less_the_mean_cosine_of_pairs() -> None:
    vectors = np.array([[2, 0], [3, 3], [0, 5]], np.float32)
    (found,) = beyond.diversity(np.array([[0, 1, 2]], np.int32), vectors)
    assert found == pytest.approx(1 - (np.sqrt(0.5) + 0 + np.sqrt(0.5)) / 3)
