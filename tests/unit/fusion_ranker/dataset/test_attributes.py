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


def test_an_item_s_own_values_are_as_they_were_given() -> None:
    items = [{"genres": ["War", "Love"], "minutes": ["90"]}, {"genres": ["Love", "War"], "minutes": ["90"]}]
    attributes = Attributes.collect([*items, {"minutes": ["101"]}, {"minutes": ["101"]}])
    assert attributes.of_item(0) == {"genres": ["Love", "War"], "minutes": ["90"]}
    assert attributes.of_item(3) == {"minutes": ["101"]}


def test_a_number_that_only_one_item_has_is_known() -> None:
    attributes = Attributes.collect([{"minutes": [minutes]} for minutes in ("90", "90", "91", "91", "93", "91")])
    assert attributes.of_item(4) == {"minutes": ["93"]}
