import numpy as np
import pytest

from modalmesh_services.fusion_ranker.dataset import Tokens


@pytest.fixture
def tokens() -> Tokens:
    """Item 0 has a title and a description, item 1 nothing, item 2 a title."""
    two, none, one = (
        np.array([[1, 2], [3, 4]], np.float32),
        np.zeros((0, 2), np.float32),
        np.array([[5, 6]], np.float32),
    )
    return Tokens.collect([(two, ["title", "description"]), (none, []), (one, ["title"])])


def test_pooled_is_the_mean_and_says_who_has_none(tokens: Tokens) -> None:
    vectors, present = tokens.pooled()
    np.testing.assert_array_equal(vectors, [[2, 3], [0, 0], [5, 6]])
    assert present.tolist() == [True, False, True]


def test_padded_puts_each_vector_in_its_item_s_next_place(tokens: Tokens) -> None:
    vectors, mask, kinds = tokens.padded(8)
    np.testing.assert_array_equal(vectors, [[[1, 2], [3, 4]], [[0, 0], [0, 0]], [[5, 6], [0, 0]]])
    assert mask.tolist() == [[True, True], [False, False], [True, False]]
    assert [tokens.kind_names[kind] for kind in kinds[0]] == ["title", "description"]


def test_padded_takes_no_more_than_was_asked_for(tokens: Tokens) -> None:
    vectors, mask, _ = tokens.padded(1)
    np.testing.assert_array_equal(vectors[:, 0], [[1, 2], [0, 0], [5, 6]])
    assert mask.shape == (3, 1)


def test_a_kind_can_be_taken_alone_or_away(tokens: Tokens) -> None:
    assert tokens.of_kind("description").present().tolist() == [True, False, False]
    assert tokens.without_kind("title").vectors.tolist() == [[3, 4]]


def test_hidden_items_lose_their_vectors_and_no_others(tokens: Tokens) -> None:
    left = tokens.without_items(np.array([True, False, False]))
    assert left.items.tolist() == [2]
    assert left.item_count == 3


def test_items_without_any_vector_are_an_empty_modality() -> None:
    tokens = Tokens.collect([(np.zeros((0, 4), np.float32), [])] * 2)
    assert (tokens.item_count, len(tokens.vectors), bool(tokens.pooled()[1].any())) == (2, 0, False)
