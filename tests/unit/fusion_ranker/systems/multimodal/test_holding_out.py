import numpy as np
import pytest

from modalmesh_services.fusion_ranker.dataset.arrays import Floats
from modalmesh_services.fusion_ranker.systems.multimodal.holding_out import HeldOut
from tests.unit.fusion_ranker.systems.multimodal.made import ITEMS, USERS, training

EVERYTHING = np.ones(ITEMS, np.bool_)


def drawn(most: int = 5) -> HeldOut:
    return HeldOut.draw(training().histories, most, 0)[0]


def perfect(held: HeldOut) -> Floats:
    scores = np.zeros((len(held), ITEMS), np.float32)
    for row, targets in zip(scores, held.targets, strict=True):
        row[targets] = 1.0
    return scores


def test_the_end_of_some_histories_is_held_out_and_the_others_stay_whole() -> None:
    whole = training().histories
    held, kept = HeldOut.draw(whole, 5, 0)
    shortened = [len(rest) < len(own) for rest, own in zip(kept, whole, strict=True)]
    assert len(held) == sum(shortened) == 5
    for own, targets in zip(held.histories, held.targets, strict=True):
        later = next(each for each in whole if each.user_id == own.user_id)[len(own) :]
        assert set(targets) == set(later.liked) - set(own.items)
        assert own.last_time_ms <= later.times_ms[0]


def test_never_more_than_a_quarter_is_held_out() -> None:
    assert len(drawn(USERS)) == USERS // 4


def test_ndcg_is_one_where_what_was_liked_is_ahead_whatever_was_met_scores() -> None:
    held = drawn()
    scores = perfect(held)
    for row, own in zip(scores, held.histories, strict=True):
        row[own.items] = 9.0
    assert held.ndcg(scores, EVERYTHING) == pytest.approx(1.0)
    assert held.ndcg(-scores, EVERYTHING) < 0.3
    assert held.ndcg(scores, ~EVERYTHING) == 0.0


@pytest.mark.parametrize("scale", [0.01, 1.0, 300.0])
def test_calibration_makes_probabilities_of_any_scale(scale: float) -> None:
    held = drawn()
    chance = np.random.default_rng(0)
    scores = (perfect(held) + chance.normal(size=(len(held), ITEMS)) + 7.0).astype(np.float32) * scale
    slope, shift = held.calibration(scores.astype(np.float32), EVERYTHING)
    chances, liked = [], []
    for row, own, targets in zip(scores, held.histories, held.targets, strict=True):
        fresh = np.setdiff1d(np.arange(ITEMS), own.items)
        chances.append(1 / (1 + np.exp(-(slope * row[fresh].astype(np.float64) + shift))))
        liked.append(np.isin(fresh, targets))
    assert slope > 0
    assert np.concatenate(chances).mean() == pytest.approx(np.concatenate(liked).mean(), rel=0.15)


def test_scores_that_say_the_opposite_keep_their_order_and_the_rate() -> None:
    held = drawn()
    slope, shift = held.calibration(-perfect(held) * np.float32(1e4), EVERYTHING)
    assert slope > 0
    assert np.isfinite(shift)
