from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from modalmesh_services.fusion_ranker.bundle.contents import parts_of, to_files
from modalmesh_services.fusion_ranker.dataset.arrays import Floats
from modalmesh_services.fusion_ranker.models.interface import Probabilities, RankerModel
from modalmesh_services.fusion_ranker.requests import NO_ROW, ExplainRequest, ProposeRequest, RankRequest, UserRequest
from modalmesh_services.fusion_ranker.systems.multimodal.learning import system
from modalmesh_services.fusion_ranker.systems.multimodal.serving import ranker
from modalmesh_services.fusion_ranker.systems.multimodal.trained import TrainedMultimodal
from tests.unit.fusion_ranker.systems.multimodal.made import (
    ITEMS,
    MADE_FOR,
    TINY,
    catalogue,
    cold_training,
    fuse_request,
    history,
    rank_request,
    without_anything,
)
from tests.unit.fusion_ranker.systems.multimodal.test_reading_configurations import NAMED


@cache
def trained(name: str = "MultiModalAttention") -> TrainedMultimodal:
    return system(name, {**TINY, "held_out": 4, "rate": 0.01}).fit(cold_training())


def served(name: str = "MultiModalAttention") -> RankerModel:
    return ranker(trained(name).parts(), MADE_FOR)


@cache
def fused(name: str = "MultiModalAttention") -> Floats:
    return served(name).fuse(fuse_request(catalogue()))


def asked(name: str = "MultiModalAttention", user: int = 3) -> RankRequest:
    """A history longer than what is read of one."""
    own = history(user)
    return rank_request(catalogue(), fused(name), own, own.last_time_ms + 5)


def logits(probabilities: Probabilities) -> Probabilities:
    return np.asarray(np.log(probabilities) - np.log1p(-probabilities), np.float64)


def without_events(request: RankRequest, item_id: str) -> RankRequest:
    past = request.history
    kept = [place for place, each in enumerate(past.item_ids) if each != item_id]
    return replace(
        request,
        history=replace(
            past,
            item_ids=[past.item_ids[place] for place in kept],
            rows=past.rows[kept],
            times_ms=past.times_ms[kept],
            types=["rating"] * len(kept),
            values=past.values[kept],
            positive=past.positive[kept],
        ),
    )


@pytest.mark.parametrize("name", NAMED)
def test_what_is_served_is_what_was_evaluated(name: str) -> None:
    request, own = asked(name), history(3)
    scores = trained(name).score([own], np.array([request.time_ms], np.int64))[0]
    probabilities = served(name).rank(request)
    assert ((probabilities > 0) & (probabilities < 1)).all()
    np.testing.assert_allclose(logits(probabilities), scores, rtol=1e-3, atol=1e-3)


def test_the_order_of_events_in_a_request_does_not_matter() -> None:
    request = asked()
    past = request.history
    turned = replace(
        past,
        item_ids=list(reversed(past.item_ids)),
        rows=past.rows[::-1],
        times_ms=past.times_ms[::-1],
        values=past.values[::-1],
        positive=past.positive[::-1],
    )
    np.testing.assert_allclose(served().rank(replace(request, history=turned)), served().rank(request), rtol=1e-5)


def test_an_item_without_anything_is_zeros_and_ranked_as_one_without_a_row() -> None:
    hidden = np.arange(ITEMS) == 35
    blank = served().fuse(fuse_request(without_anything(hidden)))
    assert blank.any(axis=1).tolist() == (~hidden).tolist()
    request = rank_request(catalogue(), blank, history(3), 10**12)
    rowless = replace(request.candidates, rows=np.where(hidden, NO_ROW, request.candidates.rows))
    ranked, bare = served().rank(request), served().rank(replace(request, candidates=rowless))
    np.testing.assert_array_equal(ranked, bare)
    serving = trained().serving(without_anything(hidden))
    scores = serving.score([history(3)], np.array([10**12], np.int64))[0]
    np.testing.assert_allclose(logits(ranked), scores, rtol=1e-3, atol=1e-3)


def test_a_users_query_finds_what_the_history_encoder_is_near_to() -> None:
    request = asked()
    queries = served().encode_user(UserRequest(request.vectors, request.history, request.time_ms))
    assert queries.weights.tolist() == [1.0]
    network = trained().network
    dim = network.configuration.dim
    near = (fused() @ queries.vectors[0]) * np.sqrt(dim)
    assert not queries.vectors[:, dim:].any()
    user = queries.vectors[0, :dim] * np.sqrt(dim)
    np.testing.assert_allclose(near, fused()[:, :dim] @ user, rtol=1e-4, atol=1e-5)


def test_who_did_nothing_has_no_query_and_a_probability_for_all() -> None:
    request = asked()
    none = rank_request(catalogue(), fused(), history(3)[:0], 0)
    assert len(served().encode_user(UserRequest(request.vectors, none.history, 0)).vectors) == 0
    assert np.isfinite(served().rank(none)).all()
    explanation = served().explain(ExplainRequest(none, [1]))[0]
    assert explanation.history == ()


def test_nothing_is_proposed_by_id() -> None:
    assert served().propose(ProposeRequest(asked().history, 5, 0)) == ()


@pytest.mark.parametrize("name", NAMED)
def test_an_explanation_adds_up_to_the_probability(name: str) -> None:
    request = asked(name)
    probabilities = served(name).rank(request)
    for place, explanation in zip([5, 31], served(name).explain(ExplainRequest(request, [5, 31])), strict=True):
        total = explanation.bias + sum(signal.contribution for signal in explanation.signals)
        assert explanation.item_id == f"item-{place}"
        assert explanation.probability == pytest.approx(probabilities[place], rel=1e-3)
        assert total == pytest.approx(float(logits(probabilities)[place]), abs=1e-3)
        assert sum(signal.share for signal in explanation.signals) == pytest.approx(1.0)
        assert sum(share.share for share in explanation.history) == pytest.approx(1.0)


def test_what_an_item_lacks_explains_nothing() -> None:
    by_name = _signals(served(), asked(), 32)
    # Item 32 is cold and lacks a picture.
    assert by_name["image"] == by_name["collaborative"] == 0.0
    assert by_name["text"] != 0.0


def test_the_history_is_explained_by_leaving_its_items_out() -> None:
    request, place = asked(), 5
    explanation = served().explain(ExplainRequest(request, [place]))[0]
    read = [share.item_id for share in explanation.history]
    # What is read of the history alone, so that leaving one out lets no older one in.
    for item_id in request.history.item_ids:
        request = request if item_id in read else without_events(request, item_id)
    whole = logits(served().rank(request))[place]
    lost = {each: whole - logits(served().rank(without_events(request, each)))[place] for each in read}
    rests = [share.contribution - lost[share.item_id] for share in explanation.history]
    assert len(read) == 12
    np.testing.assert_allclose(rests, np.full(12, rests[0]), atol=1e-3)
    nothing = request
    for item_id in read:
        nothing = without_events(nothing, item_id)
    total = sum(share.contribution for share in explanation.history)
    assert total == pytest.approx(whole - logits(served().rank(nothing))[place], abs=1e-3)


@pytest.mark.parametrize("name", NAMED)
def test_what_a_bundle_keeps_ranks_the_same(name: str) -> None:
    kept = parts_of(to_files(trained(name).parts(), {}, ""))
    np.testing.assert_array_equal(ranker(kept, MADE_FOR).rank(asked(name)), served(name).rank(asked(name)))


@pytest.mark.parametrize("lost", ["calibration", "items.norm.weight"])
def test_parts_that_are_not_whole_are_refused(lost: str) -> None:
    parts = trained().parts()
    arrays = {name: each for name, each in parts.arrays.items() if name != lost}
    with pytest.raises(ValueError, match=lost):
        ranker(replace(parts, arrays=arrays), MADE_FOR)


def test_vectors_of_other_encoders_are_refused() -> None:
    with pytest.raises(ValueError, match="learned from text vectors of 6 numbers, not of 7"):
        ranker(trained().parts(), replace(MADE_FOR, text_dim=7))


def test_a_ranker_says_for_whom_it_was_made() -> None:
    description = served().description
    assert (description.name, description.revision) == ("made", "r1")
    assert (description.text_fingerprint, description.image_fingerprint) == ("t1", "i1")
    assert description.fused_dim == fused().shape[1] == 4 * 8


def _signals(model: RankerModel, request: RankRequest, place: int) -> Mapping[str, float]:
    explanation = model.explain(ExplainRequest(request, [place]))[0]
    return {signal.signal: signal.contribution for signal in explanation.signals}
