import numpy as np

from modalmesh_services.fusion_ranker.dataset import Attributes


def test_values_that_two_items_share_become_columns() -> None:
    attributes = Attributes.collect([{"genres": ["Drama", "War"]}, {"genres": ["Drama"]}, {"genres": ["War"]}])
    assert attributes.vocabulary == (("genres", "Drama"), ("genres", "War"))
    np.testing.assert_array_equal(attributes.values.toarray(), [[1, 1], [1, 0], [0, 1]])


def test_a_value_of_one_item_alone_has_no_column() -> None:
    attributes = Attributes.collect([{"id": ["a"], "genres": ["War"]}, {"id": ["b"], "genres": ["War"]}])
    assert attributes.names == ("genres",)


def test_numbers_are_quantities_and_numeric_ids_are_not() -> None:
    items = [{"minutes": [minutes], "number": [str(row)]} for row, minutes in enumerate(["90", "90", "100", "100"])]
    quantities = Attributes.collect([*items, {}]).quantities
    assert list(quantities) == ["minutes"]
    np.testing.assert_array_equal(quantities["minutes"], np.array([90, 90, 100, 100, np.nan], np.float32))


def test_hidden_items_lose_their_values() -> None:
    attributes = Attributes.collect([{"genres": ["War"], "minutes": ["9"]}, {"genres": ["War"], "minutes": ["9"]}])
    hidden = attributes.without_items(np.array([True, False]))
    assert hidden.values.toarray().sum(axis=1).tolist() == [0, 2]


def test_one_attribute_can_be_hidden_alone() -> None:
    attributes = Attributes.collect([{"genres": ["War"], "tags": ["war"]}] * 2)
    hidden = attributes.without_items(np.array([True, False]), "tags")
    assert hidden.of_name("tags").toarray().ravel().tolist() == [0, 1]
    assert hidden.of_name("genres").toarray().ravel().tolist() == [1, 1]
    assert attributes.without_name("tags").names == ("genres",)
