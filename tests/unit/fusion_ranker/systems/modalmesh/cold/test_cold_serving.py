import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load, save

from modalmesh_services.fusion_ranker.dataset import History
from modalmesh_services.fusion_ranker.dataset.arrays import Floats
from modalmesh_services.fusion_ranker.requests import NO_ROW, ItemTokens
from modalmesh_services.fusion_ranker.systems.interface import Parts
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.serving import ColdServing
from tests.unit.fusion_ranker.systems.modalmesh.cold.made import cold_rows, events, fitted, request, styles, world

COUNT = 120
ALL = range(COUNT)


@pytest.fixture(scope="module")
def serving() -> ColdServing:
    return ColdServing(fitted().parts())


@pytest.fixture(scope="module")
def vectors(serving: ColdServing) -> Floats:
    return serving.fuse(request(world(), ALL))


def served(serving: ColdServing, vectors: Floats, history: History) -> Floats:
    names = [world().catalogue.item_ids[row] for row in history.items]
    return serving.log_odds(serving.liked(events(history, history.items.tolist(), names), vectors), vectors)


def test_scores_are_those_of_the_evaluation(serving: ColdServing, vectors: Floats) -> None:
    history = world().interactions.histories[5]
    assert cold_rows(COUNT)[history.liked].any()
    (expected,) = fitted().score([history], np.zeros(1, np.int64))
    np.testing.assert_allclose(served(serving, vectors, history), expected, atol=2e-3)


def test_half_precision_keeps_the_scores(serving: ColdServing, vectors: Floats) -> None:
    history = world().interactions.histories[5]
    rounded = vectors.astype(np.float16).astype(np.float32)
    np.testing.assert_allclose(served(serving, rounded, history), served(serving, vectors, history), atol=0.05)


def test_a_candidate_is_scored_by_itself(serving: ColdServing, vectors: Floats) -> None:
    history = world().interactions.histories[5]
    names = [world().catalogue.item_ids[row] for row in history.items]
    liked = serving.liked(events(history, history.items.tolist(), names), vectors)
    some = serving.log_odds(liked, vectors[[7, 3]])
    np.testing.assert_allclose(some, serving.log_odds(liked, vectors)[[7, 3]], atol=1e-4)


def test_an_item_of_other_ids_is_known_by_its_content(serving: ColdServing, vectors: Floats) -> None:
    history = world().interactions.histories[5]
    strangers = events(history, history.items.tolist(), [f"new-{row}" for row in history.items])
    found = serving.log_odds(serving.liked(strangers, vectors), vectors)
    own = styles(COUNT) == 5 % 4
    assert found[own].mean() > found[~own].mean()
    assert np.corrcoef(found, served(serving, vectors, history))[0, 1] > 0.9


def test_known_items_without_vectors_count_and_unknown_ones_do_not(serving: ColdServing, vectors: Floats) -> None:
    history = world().interactions.histories[5]
    warm = history[~cold_rows(COUNT)[history.items]]
    names = [world().catalogue.item_ids[row] for row in warm.items]
    nowhere = [NO_ROW] * len(warm)
    liked = serving.liked(events(warm, nowhere, names), vectors)
    assert liked.likes.shape[1] == len(warm.liked)
    unknown = serving.liked(events(warm, nowhere, [f"new-{name}" for name in names]), vectors)
    assert unknown.likes.shape[1] == 0
    assert np.isfinite(serving.log_odds(unknown, vectors)).all()


def test_an_item_of_which_nothing_is_known_has_no_vector(serving: ColdServing) -> None:
    empty = replace(request(world(), []), items=[ItemTokens("a"), *request(world(), [1]).items])
    fused = serving.fuse(empty)
    assert not fused[0].any()
    assert fused[1].any()


def test_values_never_seen_in_training_say_nothing(serving: ColdServing, vectors: Floats) -> None:
    asked = request(world(), [8])
    (item,) = asked.items
    odd = replace(item, attributes={**(item.attributes or {}), "cast": ["nobody"], "colour": ["red"]})
    usual = replace(item, attributes={**(item.attributes or {}), "cast": []})
    one, other = (serving.fuse(replace(asked, items=[each])) for each in (odd, usual))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("price", ["dear", "inf", "1e400", ""])
def test_a_number_that_is_none_counts_as_absent(serving: ColdServing, price: str) -> None:
    asked = request(world(), [8])
    (item,) = asked.items
    odd = replace(item, attributes={**(item.attributes or {}), "price": [price]})
    absent = replace(item, attributes={**(item.attributes or {}), "price": []})
    one, other = (serving.fuse(replace(asked, items=[each])) for each in (odd, absent))
    np.testing.assert_array_equal(one, other)


def test_the_query_finds_what_is_of_the_liked_style(serving: ColdServing, vectors: Floats) -> None:
    history = world().interactions.histories[5]
    names = [world().catalogue.item_ids[row] for row in history.items]
    query = serving.query(serving.liked(events(history, history.items.tolist(), names), vectors))
    cold = np.flatnonzero(cold_rows(COUNT))
    best = cold[np.argsort(-(vectors[cold] @ query))[:4]]
    assert (styles(COUNT)[best] == 5 % 4).mean() >= 0.75


def test_torn_parts_are_refused() -> None:
    parts = fitted().parts()
    lacking = {name: own for name, own in parts.arrays.items() if name != "adds"}
    for torn in (replace(parts, arrays=lacking), replace(parts, settings={})):
        with pytest.raises(ValueError, match="not what a KeptCold was stored as"):
            ColdServing(torn)
    with pytest.raises(ValueError, match="the vocabulary has 1"):
        ColdServing(replace(parts, item_ids=("a",)))


def test_parts_go_through_json_and_safetensors(vectors: Floats) -> None:
    parts = fitted().parts()
    arrays = load(save(dict(parts.arrays)))
    back = ColdServing(Parts(json.loads(json.dumps(parts.settings)), arrays, parts.item_ids))
    history = world().interactions.histories[5]
    np.testing.assert_array_equal(served(back, vectors, history), served(ColdServing(parts), vectors, history))
