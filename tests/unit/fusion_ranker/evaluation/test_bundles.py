from dataclasses import replace

import numpy as np
import pytest

from modalmesh.types import Item
from modalmesh_services.fusion_ranker.dataset import Interactions, Tokens
from modalmesh_services.fusion_ranker.dataset.reading import Dataset, build_catalogue
from modalmesh_services.fusion_ranker.evaluation import served
from modalmesh_services.fusion_ranker.evaluation.bundles import measure_bundle
from modalmesh_services.fusion_ranker.evaluation.served import Served
from modalmesh_services.fusion_ranker.models.zero_shot import ZeroShotConfig, ZeroShotRanker
from modalmesh_services.fusion_ranker.requests import FuseRequest, RankRequest
from tests.unit.fusion_ranker.evaluation.conftest import Heard, made_history

MODEL = ZeroShotRanker(ZeroShotConfig(text_dim=2, image_dim=3))


@pytest.fixture(scope="module")
def camps(made: Dataset) -> Dataset:
    """What an item says tells whose it is; item 1 has a frame, item 2 nothing."""
    rows = np.delete(np.arange(60, dtype=np.int32), 2)
    vectors = np.where(rows[:, None] < 30, [[1.0, 0.1]], [[0.1, 1.0]]).astype(np.float32)
    text = Tokens(60, vectors, rows, np.zeros(59, np.int32), ("title",))
    image = Tokens(60, np.ones((1, 3), np.float32), np.array([1], np.int32), np.zeros(1, np.int32), ("frame",))
    items = [Item(f"i{row}", tags=["x"], attributes={"kind": ["a", "b"]}, time_ms=row or None) for row in range(60)]
    return Dataset(replace(build_catalogue(items), text=text, image=image), made.interactions)


class Watched(ZeroShotRanker):
    def __init__(self) -> None:
        super().__init__(ZeroShotConfig(text_dim=2, image_dim=3))
        self.fused: list[FuseRequest] = []

    def fuse(self, request: FuseRequest) -> np.typing.NDArray[np.float32]:
        self.fused.append(request)
        return super().fuse(request)


def test_items_are_fused_as_the_gateway_sends_them(camps: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "_FUSED_AT_ONCE", 7)
    model = Watched()
    vectors = Served.of(model, camps.catalogue, np.zeros(60, np.int64)).vectors
    items = {item.item_id: item for request in model.fused for item in request.items}
    assert len(model.fused) == 9
    assert [token.field for token in items["i0"].texts] == ["title"]
    assert [token.kind for token in items["i1"].images] == ["frame"]
    # The gateway has no fused vector of what has neither text nor picture.
    assert "i2" not in items
    assert (items["i0"].attributes, items["i0"].time_ms) == ({"kind": ["a", "b"], "tags": ["x"]}, None)
    assert items["i5"].time_ms == 5
    assert vectors.values[40] @ vectors.values[50] > 0.99 > vectors.values[40] @ vectors.values[20]


def test_users_outside_training_are_scored_by_what_the_ranker_has_learned(camps: Dataset, heard: Heard) -> None:
    random = np.random.default_rng(1)
    histories = [
        made_history(90 + user, random.permutation(np.arange(30))[:15].tolist(), [True] * 15) for user in range(5)
    ]
    found = measure_bundle(MODEL, "ours", camps, Interactions(tuple(histories)), heard)
    results = found.evaluation.protocols["users"]
    assert list(results) == ["ours", "ease", "popularity"]
    assert len(results["ours"].users) == 5
    assert results["ours"].mean("recall@20") > 1.2 * results["popularity"].mean("recall@20")
    assert (found.consequences, len(heard.notes)) == ((), 3)


def test_a_served_ranker_s_answers_are_its_probabilities(camps: Dataset, heard: Heard) -> None:
    found = measure_bundle(MODEL, "ours", camps, camps.interactions, heard)
    split_probabilities = found.evaluation.protocols["users"]["ours"].pair_probabilities
    asked = Served.of(MODEL, camps.catalogue, np.zeros(60, np.int64))
    history = camps.interactions.histories[:1]
    scores = asked.score(history, np.zeros(1, np.int64))
    assert ((scores > 0) & (scores < 1)).all()
    assert ((split_probabilities > 0) & (split_probabilities < 1)).all()
    np.testing.assert_array_equal(asked.probabilities(scores, history, np.zeros(1, np.int64)), scores)


def test_users_who_are_in_the_folder_too_are_told(camps: Dataset, heard: Heard) -> None:
    found = measure_bundle(MODEL, "ours", camps, camps.interactions, heard)
    assert found.consequences[0].startswith("40 of 40 users are in the folder's interactions")


def test_users_with_too_few_likes_are_said_to_be_skipped(camps: Dataset, heard: Heard) -> None:
    found = measure_bundle(MODEL, "ours", camps, Interactions((made_history(1, [0, 1], [True, True]),)), heard)
    assert found.evaluation.skipped == {"users": "no user has 10 positives"}


def test_chunks_of_candidates_are_put_together_in_order(camps: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    class Numbered(ZeroShotRanker):
        def rank(self, request: RankRequest) -> np.typing.NDArray[np.float64]:
            return np.array([int(item_id[1:]) / 100 for item_id in request.candidates.item_ids], np.float64)

    monkeypatch.setattr(served, "_MOST_CANDIDATES", 7)
    asked = Served.of(Numbered(ZeroShotConfig(text_dim=2, image_dim=3)), camps.catalogue, np.zeros(60, np.int64))
    scores = asked.score(camps.interactions.histories[:2], np.zeros(2, np.int64))
    np.testing.assert_allclose(scores, np.tile(np.arange(60) / 100, (2, 1)), rtol=1e-6)
