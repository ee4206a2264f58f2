"""The default ranker as it is served ranks as it was evaluated, and explains what it ranks."""

from dataclasses import replace

import numpy as np
import pytest

from modalmesh.embeddings import Embeddings, ModelId
from modalmesh.errors import InvalidInput
from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.requests import (
    Candidates,
    ExplainRequest,
    FuseRequest,
    ImageToken,
    ItemTokens,
    ProposeRequest,
    RankRequest,
    TextToken,
    UserRequest,
)
from modalmesh_services.fusion_ranker.requests import History as Events
from modalmesh_services.fusion_ranker.systems.interface import MadeFor, Training
from modalmesh_services.fusion_ranker.systems.modalmesh.learning import TrainedModalMesh, system
from modalmesh_services.fusion_ranker.systems.modalmesh.serving import ModalMeshRanker, ranker
from tests.unit.fusion_ranker.systems.modalmesh.warm.made import ITEMS, made_histories, made_training

MADE_FOR = MadeFor("modalmesh", "r1", ModelId("text", "t"), ModelId("image", "i"), 4, 4)
USER = replace(made_histories(3, seed=9)[2][:10], user_id="stranger")
NOW = USER.last_time_ms


@pytest.fixture(scope="module")
def training() -> Training:
    return made_training()


@pytest.fixture(scope="module")
def trained(training: Training) -> TrainedModalMesh:
    return system("modalmesh", {"epochs": 3, "networks": 2}).fit(training)


@pytest.fixture(scope="module")
def served(trained: TrainedModalMesh) -> ModalMeshRanker:
    return ranker(trained.parts(), MADE_FOR)


def events(history: History, ids: tuple[str, ...], *, rows: bool = True) -> Events:
    items = history.items.astype(np.int64)
    return Events(
        [ids[row] for row in items],
        items if rows else np.full(len(items), -1),
        history.times_ms,
        ["rating"] * len(items),
        history.ratings.astype(np.float64),
        history.positive,
    )


def fused(served: ModalMeshRanker, training: Training) -> Embeddings:
    """Of all items, and of one that nobody knows, which says and shows what item 1 does."""
    text, image = (Embeddings(own.vectors, ModelId()) for own in (training.catalogue.text, training.catalogue.image))
    owner = {row: place for place, row in enumerate(training.catalogue.text.items.tolist())}
    items = []
    for row in (*range(ITEMS), 1):
        texts = [TextToken("title", owner[row])] if row in owner else []
        images = [ImageToken("picture", owner[row])] if row in owner else []
        genres = {"genres": ["a" if row < 30 else "b"]}
        items.append(ItemTokens(f"i{row}", texts, images, genres, int(training.catalogue.times_ms[row])))
    return Embeddings(served.fuse(FuseRequest(text, image, items)), ModelId("modalmesh", "r1"))


def asked(served: ModalMeshRanker, training: Training, history: History, rows: list[int]) -> RankRequest:
    ids = (*training.catalogue.item_ids, "cold")
    chosen = np.array(rows, np.int64)
    several = Candidates([ids[row] for row in rows], chosen, np.full(len(rows), np.nan), np.zeros(len(rows), np.int64))
    return RankRequest(fused(served, training), events(history, ids), several, history.last_time_ms)


def test_probabilities_are_those_of_the_evaluation(
    served: ModalMeshRanker, trained: TrainedModalMesh, training: Training
) -> None:
    unseen = np.setdiff1d(np.arange(ITEMS), USER.items)
    logits = trained.score([USER], np.array([NOW], np.int64))[0, unseen].astype(np.float64)
    found = served.rank(asked(served, training, USER, unseen.tolist()))
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logits)), rtol=1e-3)


def test_a_user_of_the_training_is_ranked_without_the_own_row(
    served: ModalMeshRanker, trained: TrainedModalMesh, training: Training
) -> None:
    known = training.histories[4][:9]
    unseen = np.setdiff1d(np.arange(ITEMS), known.items)
    logits = trained.score([known], np.array([known.last_time_ms], np.int64))[0, unseen].astype(np.float64)
    found = served.rank(asked(served, training, known, unseen.tolist()))
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logits)), rtol=1e-3)


def test_a_probability_does_not_depend_on_other_candidates(served: ModalMeshRanker, training: Training) -> None:
    several = served.rank(asked(served, training, USER, [40, 41, 42, ITEMS]))
    alone = [served.rank(asked(served, training, USER, [row]))[0] for row in (40, 41, 42, ITEMS)]
    np.testing.assert_allclose(several, alone, rtol=1e-5)


def test_proposals_are_the_best_that_were_not_seen(served: ModalMeshRanker, training: Training) -> None:
    past = events(USER, training.catalogue.item_ids, rows=False)
    proposed = served.propose(ProposeRequest(past, 7, NOW))
    assert len(proposed) == 7
    assert not {each.item_id for each in proposed} & set(past.item_ids)
    unseen = np.setdiff1d(np.arange(ITEMS), USER.items)
    found = served.rank(asked(served, training, USER, unseen.tolist()))
    best = [training.catalogue.item_ids[row] for row in unseen[np.argsort(-found, kind="stable")][:7]]
    assert [each.item_id for each in proposed] == best


def test_explanations_add_up_to_the_probability(served: ModalMeshRanker, training: Training) -> None:
    request = asked(served, training, USER, [40, 3, ITEMS, 55])
    told = served.explain(ExplainRequest(request, [0, 2, 3]))
    np.testing.assert_allclose([each.probability for each in told], served.rank(request)[[0, 2, 3]], rtol=1e-4)
    assert [each.item_id for each in told] == ["i40", "cold", "i55"]
    for each in told:
        total = each.bias + sum(signal.contribution for signal in each.signals)
        assert 1 / (1 + np.exp(-total)) == pytest.approx(each.probability)
        assert sum(signal.share for signal in each.signals) == pytest.approx(1)
        assert sum(item.share for item in each.history) == pytest.approx(1)


def test_what_the_history_adds_is_what_taking_it_away_takes(served: ModalMeshRanker, training: Training) -> None:
    told = served.explain(ExplainRequest(asked(served, training, USER, [12, 17]), [0, 1]))
    assert {item.item_id for item in told[0].history} == {f"i{row}" for row in USER.items}
    first = told[0].history[0]
    kept = np.array([f"i{row}" != first.item_id for row in USER.items])
    before = served.rank(asked(served, training, USER, [12]))[0]
    after = served.rank(asked(served, training, USER[kept], [12]))[0]
    assert np.sign(before - after) == np.sign(first.contribution)


def test_a_cold_item_goes_by_what_it_says(served: ModalMeshRanker, training: Training) -> None:
    for history in (USER, training.histories[1][:9]):
        request = asked(served, training, history, [ITEMS])
        assert 0 < served.rank(request)[0] < 1
    own, other = (served.rank(asked(served, training, each, [ITEMS]))[0] for each in (USER, training.histories[1][:9]))
    assert own > other


def test_a_user_is_one_query_and_a_stranger_to_all_none(served: ModalMeshRanker, training: Training) -> None:
    vectors = fused(served, training)
    past = events(USER, training.catalogue.item_ids)
    queries = served.encode_user(UserRequest(vectors, past, NOW))
    assert queries.vectors.shape == (1, served.description.fused_dim)
    nobody = events(USER[:0], training.catalogue.item_ids)
    assert len(served.encode_user(UserRequest(vectors, nobody, NOW)).vectors) == 0


def test_parts_that_are_not_whole_are_refused(trained: TrainedModalMesh) -> None:
    parts = trained.parts()
    broken = {name: own for name, own in parts.arrays.items() if name != "warm.crowd.items"}
    with pytest.raises(ValueError, match=r"crowd\.items"):
        ranker(type(parts)(parts.settings, broken, parts.item_ids), MADE_FOR)
    with pytest.raises(ValueError, match="half"):
        ranker(type(parts)({}, parts.arrays, parts.item_ids), MADE_FOR)


@pytest.mark.parametrize("changes", [{"depth": 3}, {"epochs": 0}, {"epochs": True}, {"networks": 2.5}, {"seed": -1}])
def test_a_wrong_setting_is_named(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(changes))):
        system("modalmesh", changes)
