"""An explanation is exact, and measured: what it names as decisive, when taken away, moves the score."""

import math
from collections.abc import Iterable
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modalmesh.types import Explanation
from modalmesh_services.fusion_ranker.models.explaining import explanation, sigmoid
from modalmesh_services.fusion_ranker.requests import ExplainRequest, RankRequest
from tests.unit.fusion_ranker.builders import (
    IMAGE_DIM,
    RANKER,
    TEXT_DIM,
    blank,
    both,
    kinds,
    probabilities,
    ranking,
    without,
)

SEEDS = range(30)
LIKED, RANKED = range(30, 50), range(30)


def request_of(seed: int, liked: Iterable[int] = LIKED, ranked: Iterable[int] = RANKED) -> RankRequest:
    """Items of five kinds of text and five of picture, some without either; a user who likes two kinds of each."""
    chance = np.random.default_rng(seed)
    text, image = (
        kinds(chance, [*chance.integers(0, 5, 30).tolist(), *chance.integers(0, 2, 20).tolist()], dim)
        for dim in (TEXT_DIM, IMAGE_DIM)
    )
    vectors = blank(both(text, image), chance.random(50) < 0.2, chance.random(50) < 0.2)
    ranked = list(ranked)
    return ranking(vectors, list(liked), ranked, chance.integers(0, 50, len(ranked)).tolist())


def explain(request: RankRequest, place: int) -> Explanation:
    (only,) = RANKER.explain(ExplainRequest(request, [place]))
    return only


def explain_best(request: RankRequest) -> Explanation:
    return explain(request, int(np.argmax(RANKER.rank(request))))


def logit(request: RankRequest, item_id: str) -> float:
    probability = probabilities(request)[item_id]
    return math.log(probability / (1 - probability))


@given(seed=st.integers(0, 10_000), liked=st.integers(0, 20), ranked=st.integers(1, 30), place=st.integers(0, 29))
def test_contributions_add_up_to_the_score_and_shares_to_one(seed: int, liked: int, ranked: int, place: int) -> None:
    request = request_of(seed, LIKED[:liked], RANKED[:ranked])
    reason = explain(request, place % ranked)
    signals = {signal.signal: signal.contribution for signal in reason.signals}
    assert reason.item_id == f"item-{place % ranked}"
    assert reason.probability == pytest.approx(RANKER.rank(request)[place % ranked], rel=1e-12)
    assert reason.bias + sum(signals.values()) == pytest.approx(logit(request, reason.item_id), abs=1e-9)
    assert sum(share.contribution for share in reason.history) == pytest.approx(signals["text"] + signals["image"])
    for name in ("text", "image"):
        parts = [part.contribution for share in reason.history for part in share.signals if part.signal == name]
        assert sum(parts) == pytest.approx(signals[name], abs=1e-9)
    for shares in (reason.signals, reason.history):
        assert sum(each.share for each in shares) in (pytest.approx(1.0), 0.0)


def test_the_decisive_come_first() -> None:
    weights = [abs(share.contribution) for share in explain_best(request_of(0)).history]
    assert weights == sorted(weights, reverse=True)
    assert len(weights) == len(LIKED)


def test_several_are_explained_in_the_order_asked_for() -> None:
    reasons = RANKER.explain(ExplainRequest(request_of(0), [7, 2, 7]))
    assert [reason.item_id for reason in reasons] == ["item-7", "item-2", "item-7"]
    assert reasons[0] == reasons[2] == explain(request_of(0), 7)


def drop(request: RankRequest, item_id: str, removed: Iterable[str]) -> float:
    """How far a candidate's logit falls when its user has never met some items."""
    return logit(request, item_id) - logit(reduce(without, removed, request), item_id)


def test_taking_away_the_decisive_liked_item_moves_the_score_as_said_and_more_than_others_do() -> None:
    as_said, more = [], []
    for seed in SEEDS:
        request = request_of(seed)
        reason = explain_best(request)
        first, *others = reason.history
        fall = np.sign(first.contribution) * drop(request, reason.item_id, [first.item_id])
        rest = [np.sign(first.contribution) * drop(request, reason.item_id, [other.item_id]) for other in others]
        as_said.append(fall > 0)
        more.append(fall > np.mean(rest))
    assert np.mean(as_said) >= 0.9
    assert np.mean(more) >= 0.9


def test_taking_away_what_speaks_for_an_item_lowers_it_more_than_as_many_at_random() -> None:
    more = []
    for seed in SEEDS:
        request = request_of(seed)
        reason = explain_best(request)
        named = [share.item_id for share in reason.history if share.contribution > 0][:4]
        rest = [share.item_id for share in reason.history if share.item_id not in named]
        chosen = np.random.default_rng(seed).choice(rest, len(named), replace=False)
        more.append(drop(request, reason.item_id, named) > drop(request, reason.item_id, chosen))
    assert np.mean(more) >= 0.9


def without_modality(request: RankRequest, row: int, modality: str) -> RankRequest:
    flags = np.arange(request.vectors.rows) == row
    vectors = blank(request.vectors.values, **{modality: flags})
    events = request.candidates.event_counts.tolist()
    return ranking(vectors, request.history.rows.tolist(), request.candidates.rows.tolist(), events)


def test_taking_away_the_decisive_modality_moves_the_score_more_than_the_other() -> None:
    for seed in SEEDS:
        request = request_of(seed)
        reason = explain_best(request)
        said = {signal.signal: signal.contribution for signal in reason.signals if signal.signal != "popularity"}
        row = int(reason.item_id.removeprefix("item-"))
        moved = {
            name: logit(request, reason.item_id) - logit(without_modality(request, row, name), reason.item_id)
            for name in said
        }
        decisive = max(said, key=lambda name: abs(said[name]))
        assert decisive == max(moved, key=lambda name: abs(moved[name]))
        assert np.sign(moved[decisive]) == np.sign(said[decisive])


def test_a_modality_that_an_item_lacks_explains_nothing_of_it() -> None:
    request = without_modality(request_of(0), 3, "image")
    reason = explain(request, 3)
    image = {signal.signal: signal for signal in reason.signals}["image"]
    assert (image.contribution, image.share) == (0.0, 0.0)
    assert all(share.signals[1].contribution == 0.0 for share in reason.history)


def test_a_liked_item_explains_nothing_of_itself() -> None:
    reason = explain(request_of(0, ranked=[0, 1, 35]), 2)
    (own,) = (share for share in reason.history if share.item_id == reason.item_id == "item-35")
    assert (own.contribution, own.share) == (0.0, 0.0)


def test_without_likes_only_popularity_explains() -> None:
    reason = explain(request_of(0, liked=[]), 0)
    assert reason.history == ()
    assert [signal.share for signal in reason.signals] == [0.0, 0.0, 1.0]


def test_where_nothing_contributes_all_shares_are_zero() -> None:
    reason = explanation("a", -2.0, {"text": 0.0}, ["b"], {"text": np.zeros(1)})
    assert reason.probability == pytest.approx(1 / (1 + math.exp(2)))
    assert reason.signals[0].share == reason.history[0].share == reason.history[0].signals[0].share == 0.0


def test_equal_contributions_are_ordered_by_id() -> None:
    reason = explanation("x", 0.0, {"text": 3.0}, ["c", "a", "b"], {"text": np.ones(3)})
    assert [share.item_id for share in reason.history] == ["a", "b", "c"]


@given(st.floats(-1e300, 1e300))
def test_a_sigmoid_overflows_nowhere(value: float) -> None:
    high, low = sigmoid(np.array([value, -value]))
    assert 0.0 <= high <= 1.0
    assert high + low == pytest.approx(1.0)
