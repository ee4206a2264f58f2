import numpy as np
import pytest

from modalmesh.types import Item
from modalmesh_services.fusion_ranker.dataset import Tokens
from modalmesh_services.fusion_ranker.dataset.reading import Dataset, build_catalogue
from modalmesh_services.fusion_ranker.evaluation import measuring, protocols
from modalmesh_services.fusion_ranker.evaluation.baselines import ContentKnn
from modalmesh_services.fusion_ranker.evaluation.baselines.content_features import centred, near_times, rare_values
from modalmesh_services.fusion_ranker.evaluation.baselines.tuned import validation
from modalmesh_services.fusion_ranker.systems.interface import Training
from tests.unit.fusion_ranker.evaluation.conftest import made_history

ALL = np.ones(4, np.bool_)
ITEMS = [Item(f"i{row}", tags=[tag, "film"]) for row, tag in enumerate(("war", "love", "war", "love"))]


def test_what_shares_a_rare_value_with_the_liked_is_first() -> None:
    training = Training([made_history(0, [0], [True])], build_catalogue(ITEMS), ALL)
    fitted = ContentKnn({"attributes.tags": 1.0}).fit(training)
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


def test_near_times_are_more_alike_and_unknown_ones_not_at_all() -> None:
    rows = near_times(np.array([1990, 1991, 2010, np.nan], np.float32))
    assert rows[0] @ rows[1] > 0.9 > 0.1 > rows[0] @ rows[2]
    assert not rows[3].any()


def test_only_the_nearest_liked_items_count() -> None:
    fitted = ContentKnn({"attributes": 1.0}, neighbours=1).fit(Training([], build_catalogue(ITEMS), ALL))
    kept = fitted._nearest(np.array([[0.5, -1], [0.2, -2]], np.float32))
    np.testing.assert_allclose(kept, np.array([[0.25, 0], [0, 0]]))


def test_cold_items_are_validated_on_cold_items(made: Dataset) -> None:
    (split, *_) = protocols.cold_items(made)
    inner = validation(split.training)
    assert inner.ranked.sum() == 10
    assert not (inner.ranked & (split.ranked | inner.training.trainable)).any()
    assert measuring.measure(ContentKnn({"attributes": 1.0}).fit(inner.training), inner).figures["recall@20"].any()
