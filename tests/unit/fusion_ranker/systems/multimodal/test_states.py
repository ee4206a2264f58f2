from dataclasses import replace

import numpy as np
import pytest
import torch

from modalmesh_services.fusion_ranker.systems.multimodal.configuration import TrainingSettings
from modalmesh_services.fusion_ranker.systems.multimodal.states import NOTHING, Pasts, Sampler
from tests.unit.fusion_ranker.systems.multimodal.made import DAY_MS, ITEMS, USERS, cold_training, history, training

SETTINGS = TrainingSettings(batch=8, shards=2, states=2, targets=3, negatives=200)


def sampler(settings: TrainingSettings = SETTINGS, *, cold: bool = False, has_order: bool = True) -> Sampler:
    world = cold_training() if cold else training()
    return Sampler(world.histories, world.trainable, settings, 50, has_order=has_order)


def test_an_epoch_has_every_history_as_often_as_asked_in_even_shards() -> None:
    shards = [shard for batch in sampler().batches(0) for shard in batch]
    assert len(sampler()) * SETTINGS.shards == len(shards)
    assert sum(len(shard.targets) for shard in shards) == USERS * SETTINGS.states
    assert {shard.weight for shard in shards} == {0.5}


def test_every_epoch_draws_anew_and_the_same_again() -> None:
    first, again, second = (next(iter(sampler().batches(epoch)))[0] for epoch in (0, 0, 1))
    assert torch.equal(first.negatives, again.negatives)
    assert torch.equal(first.pasts.rows, again.pasts.rows)
    assert not torch.equal(first.negatives, second.negatives)


def test_targets_were_liked_after_what_is_known() -> None:
    by_first = {int(own.items[0]): own for own in training().histories}
    for shard in next(iter(sampler().batches(0))):
        for row, targets in zip(shard.pasts.rows.tolist(), shard.targets.tolist(), strict=True):
            known = [item for item in row if item != NOTHING]
            own = by_first[known[0]] if len(by_first) == USERS else None
            found = [item for item in targets if item != NOTHING]
            assert found
            assert not set(found) & set(known)
            assert own is None or set(found) <= set(own.liked)


def test_what_is_drawn_beside_is_trainable_and_never_of_the_same_user() -> None:
    for shard in next(iter(sampler(cold=True).batches(0))):
        assert shard.negatives.max() < 30
        met = [set(row) - {NOTHING} for row in shard.pasts.rows.tolist()]
        for known, allowed in zip(met, shard.allowed, strict=True):
            assert not known & set(shard.negatives[allowed].tolist())


def test_chances_are_how_often_an_item_is_drawn() -> None:
    shard = next(iter(sampler(replace(SETTINGS, negatives=20_000)).batches(0)))[0]
    drawn = torch.bincount(shard.negatives, minlength=ITEMS)
    expected = torch.zeros(ITEMS).scatter(0, shard.negatives, shard.chances)
    assert ((drawn - expected).abs() < 5 * expected.sqrt() + 1).all()


def test_without_order_any_part_of_a_history_is_known() -> None:
    firsts = set()
    for epoch in range(3):
        for batch in sampler(has_order=False).batches(epoch):
            firsts |= {int(row[0]) for shard in batch for row in shard.pasts.rows}
            assert not any(shard.pasts.ages.any() for shard in batch)
    assert len(firsts) > USERS


@pytest.mark.parametrize("has_order", [True, False])
def test_of_a_long_history_the_newest_are_read_or_without_order_some_of_all(has_order: bool) -> None:
    own = history(0)
    pasts = Pasts.of([own, own[:2]], np.array([own.last_time_ms + DAY_MS] * 2, np.int64), 4, has_order=has_order)
    assert pasts.rows.shape == (2, 4)
    assert pasts.rows[1].tolist() == [*own.items[:2].tolist(), NOTHING, NOTHING]
    if has_order:
        assert pasts.rows[0].tolist() == own.items[-4:].tolist()
        assert pasts.ages[0].tolist() == [4.0, 3.0, 2.0, 1.0]
        assert pasts.positive[0].tolist() == own.positive[-4:].tolist()
    else:
        assert (pasts.rows[0, 0], pasts.rows[0, -1]) == (own.items[0], own.items[-1])
        assert not pasts.ages.any()
