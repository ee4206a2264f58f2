from dataclasses import replace

import numpy as np
import pytest

from modalmesh.types import Item
from modalmesh_services.fusion_ranker.dataset import Tokens
from modalmesh_services.fusion_ranker.dataset.reading import Dataset, build_catalogue
from modalmesh_services.fusion_ranker.evaluation import measuring, protocols
from modalmesh_services.fusion_ranker.evaluation.baselines import ContentKnn, ContentSearch, Term
from modalmesh_services.fusion_ranker.evaluation.baselines.content_features import (
    centred,
    kinds_of,
    near,
    rare_values,
)
from modalmesh_services.fusion_ranker.evaluation.baselines.content_knn import nearest
from modalmesh_services.fusion_ranker.evaluation.baselines.tuned import validation
from modalmesh_services.fusion_ranker.systems.interface import Training
from tests.unit.fusion_ranker.evaluation.conftest import made_history

ALL = np.ones(4, np.bool_)
ITEMS = [Item(f"i{row}", tags=[tag, "film"]) for row, tag in enumerate(("war", "love", "war", "love"))]


def test_what_shares_a_rare_value_with_the_liked_is_first() -> None:
    training = Training([made_history(0, [0], [True])], build_catalogue(ITEMS), ALL)
    fitted = ContentKnn((Term("attributes.tags"),)).fit(training)
    (scores,) = fitted.score([made_history(1, [0], [True])], np.zeros(1, np.int64))
    assert scores[2] > scores[1] == scores[3]


def test_an_item_without_the_content_is_like_nothing() -> None:
    vectors = np.array([[1, 0], [0, 1]], np.float32)
    tokens = Tokens(4, vectors, np.array([0, 2], np.int32), np.zeros(2, np.int32), ("title",))
    found = centred(tokens, ALL)
    expected = np.array([[1, 0, -1, 0], [0, 0, 0, 0], [-1, 0, 1, 0], [0, 0, 0, 0]])
    np.testing.assert_allclose(np.asarray(found @ found.T), expected, atol=1e-6)


def test_a_rarer_value_weighs_more() -> None:
    rows = rare_values(build_catalogue(ITEMS).attributes.of_name("tags"), ALL)
    assert rows[0] @ rows[2] == pytest.approx(1)
    assert 0 < rows[0] @ rows[1] < 0.5


def test_near_numbers_are_more_alike_and_unknown_ones_not_at_all() -> None:
    rows = near(np.array([1990, 1991, 2010, np.nan], np.float32), width=3)
    assert rows[0] @ rows[1] > 0.9 > 0.1 > rows[0] @ rows[2]
    assert not rows[3].any()


def test_only_the_nearest_items_are_kept() -> None:
    kept = nearest(np.array([[0.5, 0.2], [0, 0.1]], np.float32), most=1)
    np.testing.assert_allclose(kept.toarray(), np.array([[0.5, 0], [0, 0.1]]))


def test_terms_add_up_and_a_power_is_that_of_the_cosine() -> None:
    training = Training([made_history(0, [0], [True])], build_catalogue(ITEMS), ALL)
    asked = [made_history(1, [0], [True])], np.zeros(1, np.int64)
    plain, steep = Term("attributes.tags", 2.0), Term("attributes.tags", 1.0, power=3)
    one, other, both = (ContentKnn(terms).fit(training).score(*asked) for terms in ((plain,), (steep,), (plain, steep)))
    np.testing.assert_allclose(other, (one / 2) ** 3, rtol=1e-5)
    np.testing.assert_allclose(both, one + other, rtol=1e-5)


def test_all_that_an_item_has_can_be_compared() -> None:
    numbered = [Item(f"i{row}", attributes={"price": [price]}) for row, price in enumerate(("1", "1", "2", "2"))]
    assert kinds_of(build_catalogue(ITEMS)) == ("image", "attributes.tags", "time")
    assert "quantities.price" in kinds_of(build_catalogue(numbered))


def test_the_search_finds_the_kind_that_tells_the_camps(made: Dataset) -> None:
    items = [Item(f"i{row}", tags=["low" if row < 30 else "high"], time_ms=row % 7 * 10**11) for row in range(60)]
    (split, *_) = protocols.cold_items(Dataset(build_catalogue(items), made.interactions))
    chosen = ContentSearch("best", trials=30).choose(split.training)
    known = measuring.quality(chosen.fit(split.training), split)
    assert known > 1.5 * measuring.quality(ContentKnn((Term("time"),)).fit(split.training), split)


def pictured(vectors: list[list[float]], owners: list[int]) -> Training:
    """Items of which only the owners have a picture; one user likes the first two."""
    catalogue = build_catalogue([Item(f"i{row}", tags=["film"]) for row in range(6)])
    tokens = Tokens(
        6, np.array(vectors, np.float32), np.array(owners, np.int32), np.zeros(len(owners), np.int32), ("",)
    )
    history = made_history(0, [0, 1, 2], [True, True, True])
    return Training([history], replace(catalogue, image=tokens), np.array([True] * 3 + [False] * 3))


def test_an_item_without_a_picture_scores_like_one_with_a_usual_picture() -> None:
    training = pictured([[1, 0.1], [1, -0.1], [-1, 0.1], [1, 0], [-1, 0]], [0, 1, 2, 3, 4])
    fitted = ContentKnn((Term("image"),)).fit(training)
    (scores,) = fitted.score([made_history(1, [0, 1], [True, True])], np.zeros(1, np.int64))
    assert scores[3] > scores[5] > scores[4]


def test_who_has_a_picture_counts_nothing_where_all_pictures_are_alike() -> None:
    """Pictures dealt at random: those who have one score no better on average."""
    random = np.random.default_rng(0)
    catalogue = build_catalogue([Item(f"i{row}", tags=["film"]) for row in range(400)])
    owners = np.arange(0, 400, 2, dtype=np.int32)
    vectors = random.normal(size=(len(owners), 8)).astype(np.float32)
    tokens = Tokens(400, vectors, owners, np.zeros(len(owners), np.int32), ("",))
    warm = np.arange(400) < 200
    histories = [made_history(user, sorted(random.choice(200, 40, replace=False)), [True] * 40) for user in range(30)]
    training = Training(histories, replace(catalogue, image=tokens), warm)
    for neighbours in (20, 1000):
        scores = ContentKnn((Term("image", 1.0, 3),), neighbours).fit(training).score(histories, np.zeros(30, np.int64))
        with_picture, without = scores[:, 200::2].mean(), scores[:, 201::2].mean()
        assert without == pytest.approx(with_picture, rel=0.1)


def test_the_search_repeats(made: Dataset) -> None:
    (split, *_) = protocols.cold_items(made)
    one, other = (ContentSearch("best", trials=30).choose(split.training) for _ in range(2))
    assert one == other


def test_cold_items_are_validated_on_cold_items(made: Dataset) -> None:
    (split, *_) = protocols.cold_items(made)
    inner = validation(split.training)
    assert inner.ranked.sum() == 10
    assert not (inner.ranked & (split.ranked | inner.training.trainable)).any()
    assert measuring.measure(ContentKnn((Term("attributes"),)).fit(inner.training), inner).figures["recall@20"].any()
