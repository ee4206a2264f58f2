import numpy as np
import pytest
from scipy import sparse

from modalmesh_services.fusion_ranker.dataset.arrays import Floats
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content import content_of, schema_of
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content_blocks import ContentBlocks
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.crowd_factors import CrowdFactors, users_of
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.model import adding
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.popularity import Popularity, ValueLikes
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.ridge import Design, design, solve
from tests.unit.fusion_ranker.systems.modalmesh.cold.made import cold_rows, world


def made_likes() -> Floats:
    return (np.random.default_rng(0).random((12, 20)) < 0.3).astype(np.float32)


def test_scores_of_the_third_view_are_those_of_ease_in_its_usual_form() -> None:
    likes = made_likes()
    crowd = CrowdFactors.fit(sparse.csr_array(likes))
    inverse = np.linalg.inv(likes.T @ likes + 50 * np.eye(20))
    weights = np.eye(20) - inverse / np.diag(inverse)[None, :] + 0.3 * np.eye(20)
    view = slice(crowd.widths[0] + crowd.widths[1], None)
    users = users_of(sparse.csr_array(likes), crowd.history[:, view])
    expected = likes @ weights / np.sqrt(likes.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(users @ crowd.items[:, view].T, expected, atol=1e-4)


def test_a_stranger_with_a_users_likes_gets_the_users_vector() -> None:
    likes = sparse.csr_array(made_likes())
    crowd = CrowdFactors.fit(likes)
    np.testing.assert_allclose(users_of(likes[[3]], crowd.history)[0], users_of(likes, crowd.history)[3], atol=1e-5)


def test_nobody_likes_anything() -> None:
    crowd = CrowdFactors.fit(sparse.csr_array((3, 5), dtype=np.float32))
    assert crowd.items.shape == (5, 0)


def made_design(rows: int = 60) -> Design:
    random = np.random.default_rng(0)
    bags = sparse.csr_array((random.random((rows, 7)) < 0.3).astype(np.float32))
    return Design(random.normal(size=(rows, 5)).astype(np.float32), bags)


def test_a_ridge_is_the_closed_form_of_dense_rows() -> None:
    made, targets = made_design(), np.random.default_rng(1).normal(size=(60, 3)).astype(np.float32)
    weights = solve(made.gram(), made.towards(targets), penalty=2.0)
    rows = np.concatenate([made.dense, made.bags.toarray()], axis=1)
    expected = np.linalg.solve(rows.T @ rows + 2 * np.eye(12), rows.T @ targets)
    np.testing.assert_allclose(weights, expected, atol=1e-4)
    np.testing.assert_allclose(made.times(weights), rows @ expected, atol=1e-3)


def test_taking_a_fold_off_is_never_having_seen_it() -> None:
    made, away = made_design(), np.arange(60) < 12
    np.testing.assert_allclose(made.gram() - made[away].gram(), made[~away].gram(), atol=1e-4)


def test_a_missing_picture_is_no_column() -> None:
    catalogue = world().catalogue
    schema = schema_of(catalogue)
    content = content_of(catalogue, schema)
    blocks = ContentBlocks.fit(content, np.ones(len(catalogue), np.bool_))
    average = blocks.dense["image"].mean
    content.image.values[3] = average
    assert content.image.present[3]
    alone = content_of(catalogue.without_pictures(np.arange(len(catalogue)) == 3), schema)
    none = np.zeros((len(catalogue), 0), np.float32)
    with_average, without = (design(blocks.transform(each), none) for each in (content, alone))
    np.testing.assert_allclose(with_average.dense[3], without.dense[3], atol=1e-6)


def test_what_a_known_item_adds_is_learned_for_unknown_ones() -> None:
    random = np.random.default_rng(0)
    factors = random.normal(size=(200, 5)).astype(np.float32)
    map_of_views = np.zeros((5, 5), np.float32)
    map_of_views[:2, :2], map_of_views[2:, 2:] = random.normal(size=(2, 2)), random.normal(size=(3, 3))
    found = adding(factors, factors @ map_of_views, (2, 3))
    np.testing.assert_allclose(found, map_of_views, atol=0.02)


def test_an_items_own_likes_are_left_out_of_its_values() -> None:
    bag = sparse.csr_array(np.array([[1, 0], [1, 1], [0, 0]], np.float32))
    found = []
    for own in (4, 9):
        likes = np.array([own, 20, 0], np.float32)
        values = ValueLikes.fit(bag, likes)
        # What all items have in common is theirs, too; what the shared value says of the first item is the second's.
        found.append(values.features(bag, likes)[0, 1] - 2 * values.usual / 3)
    assert found == pytest.approx([20 / 3, 20 / 3], abs=1e-4)


def test_popularity_is_learned_from_content() -> None:
    catalogue = world().catalogue
    content = content_of(catalogue, schema_of(catalogue))
    cold = cold_rows(len(catalogue))
    encoded = ContentBlocks.fit(content, ~cold).transform(content)
    price = np.nan_to_num(catalogue.attributes.quantities["price"])
    log_likes = (price / 3).astype(np.float32)
    found = Popularity.fit(encoded, log_likes, ~cold)(encoded)
    assert np.corrcoef(found[cold], log_likes[cold])[0, 1] > 0.5
