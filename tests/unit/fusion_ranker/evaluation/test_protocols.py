import numpy as np
import pytest

from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.evaluation import protocols
from modalmesh_services.fusion_ranker.evaluation.protocols import PROTOCOLS
from modalmesh_services.fusion_ranker.evaluation.splits import cut
from tests.unit.fusion_ranker.evaluation.conftest import made_history


def test_a_history_ends_with_the_positive_that_completes_four_fifths() -> None:
    history = made_history(1, list(range(12)), [True] * 7 + [False] + [True, False, True, True])
    known, targets, disliked = cut(history)
    assert known.items.tolist() == list(range(9))
    assert (targets.tolist(), disliked.tolist()) == ([10, 11], [9])


def test_what_the_history_names_is_no_target() -> None:
    known, targets, _ = cut(made_history(1, [*range(8), 0, 9], [True] * 10))
    assert (len(known), targets.tolist()) == (8, [9])


@pytest.mark.parametrize("name", PROTOCOLS)
def test_no_target_is_known_and_each_can_be_ranked(made: Dataset, name: str) -> None:
    for split in PROTOCOLS[name](made):
        assert len(split.scored)
        for history, targets in zip(split.scored.histories, split.scored.targets, strict=True):
            assert not set(targets.tolist()) & set(history.items.tolist())
            assert len(targets)
            assert split.ranked[targets].all()


@pytest.mark.parametrize("name", ["users", "new_users", "users_without_order", "missing_50"])
def test_nobody_s_targets_are_in_training(made: Dataset, name: str) -> None:
    for split in PROTOCOLS[name](made):
        trained = {history.user_id: set(history.items.tolist()) for history in split.training.histories}
        for history, targets in zip(split.scored.histories, split.scored.targets, strict=True):
            assert not trained.get(history.user_id, set()) & set(targets.tolist())


def test_new_users_are_each_scored_once_and_never_trained_on(made: Dataset) -> None:
    scored: list[str] = []
    for split in protocols.new_users(made):
        own = [history.user_id for history in split.scored.histories]
        assert not {history.user_id for history in split.training.histories} & set(own)
        scored += own
    assert sorted(scored) == sorted(history.user_id for history in made.interactions.histories)


def test_cold_items_are_in_no_history(made: Dataset) -> None:
    for split in protocols.cold_items(made):
        assert split.ranked.sum() == 12
        assert not split.training.trainable[split.ranked].any()
        known = [*split.training.histories, *split.scored.histories]
        assert not any(split.ranked[history.items].any() for history in known)


def test_without_order_no_time_is_left(made: Dataset) -> None:
    (split,) = protocols.users_without_order(made)
    assert not split.training.has_order
    assert not split.scored.times_ms.any()
    assert not any(history.times_ms.any() for history in (*split.training.histories, *split.scored.histories))


def test_tags_are_never_seen_where_they_are_left_out(made: Dataset) -> None:
    (split, *_) = protocols.cold_items_without_tags(made)
    assert "tags" in made.catalogue.attributes.names
    assert "tags" not in split.training.catalogue.attributes.names


def test_what_is_missing_at_serving_was_there_in_training(made: Dataset) -> None:
    (split,) = PROTOCOLS["missing_50"](made)
    assert split.training.catalogue is made.catalogue
    assert split.served.attributes.of_name("tags").sum() == 30


def test_global_time_knows_nothing_from_its_block_s_start_on(made: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocols, "RATINGS_OF_OTHERS", 100)
    splits = list(protocols.global_time(made))
    assert len(splits) == 4
    for split in splits:
        start = split.scored.times_ms.min()
        assert all((history.times_ms < start).all() for history in split.training.histories)


def test_the_films_have_the_users_and_targets_of_their_manual(films: Dataset) -> None:
    (split,) = protocols.users(films)
    assert len(split.scored) == 530
    assert round(float(np.mean([len(targets) for targets in split.scored.targets]))) == 21
    assert 365 <= sum(len(block.scored) for block in protocols.global_time(films)) <= 375
