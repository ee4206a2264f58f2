import numpy as np

from modalmesh_services.fine_tuning.likes import Likes, split, windows


def users(*liked: list[int]) -> list[np.ndarray]:
    return [np.array(items, np.int32) for items in liked]


def many(seed: int = 0) -> Likes:
    generator = np.random.default_rng(5)
    return split([generator.permutation(50)[:20].astype(np.int32) for _ in range(12)], 50, seed)


def test_held_out_items_are_in_no_training() -> None:
    likes = many()
    assert likes.validation is not None
    assert len(likes.validation.items) == 5
    assert not np.isin(np.concatenate(likes.by_user), likes.validation.items).any()


def test_judges_are_shown_items_of_training_alone_and_asked_for_held_out_ones() -> None:
    likes = many()
    assert likes.validation is not None
    for judge in likes.validation.judges:
        assert np.isin(judge.liked, likes.validation.items).all()
        assert not np.isin(judge.profile, likes.validation.items).any()
        assert 0 < len(judge.liked) < len(likes.validation.items)


def test_the_seed_decides_what_is_held_out() -> None:
    first, again, other = many(), many(), many(seed=1)
    assert first.validation
    assert again.validation
    assert other.validation
    assert first.validation.items.tolist() == again.validation.items.tolist() != other.validation.items.tolist()


def test_without_a_judge_nothing_is_held_out() -> None:
    likes = split(users([0, 1], [2, 3], [4]), 5, seed=0)
    assert likes.validation is None
    assert [items.tolist() for items in likes.by_user] == [[0, 1], [2, 3]]


def test_windows_are_stretches_of_one_users_likes_in_their_order() -> None:
    likes = Likes(tuple(users(list(range(20)), list(range(30, 37)))), None)
    found = list(windows(likes, 6, 100, (0, 1)))
    for user, window in found:
        assert 2 <= len(window) <= 6
        assert (np.diff(window) == 1).all()
        assert np.isin(window, likes.by_user[user]).all()
    counts = np.bincount(np.concatenate([window for _, window in found]))
    assert counts.max() == 1
    # Only a stretch of one item is left out.
    assert counts.sum() >= 25


def test_epochs_cut_at_other_places_and_the_same_epoch_at_the_same() -> None:
    likes = Likes(tuple(users(list(range(40)))), None)
    first, again, second = ([w.tolist() for _, w in windows(likes, 6, 100, seed)] for seed in ((0, 1), (0, 1), (0, 2)))
    assert first == again != second


def test_an_epoch_has_no_more_windows_than_wanted_and_few_of_one_user() -> None:
    likes = Likes(tuple(users(list(range(600)), [1, 2, 3])), None)
    assert len(list(windows(likes, 6, 5, (0, 1)))) == 5
    counts = np.bincount([user for user, _ in windows(likes, 6, 1000, (0, 1))])
    assert counts[0] == 16


def test_nothing_is_held_out_where_nobody_would_have_two_items_left() -> None:
    pairs = [[0, number] for number in range(1, 40)]
    for seed in range(20):
        likes = split(users(*pairs), 40, seed)
        assert likes.by_user


def test_few_likes_are_always_one_window() -> None:
    likes = Likes(tuple(users([4, 2])), None)
    assert all([w.tolist() for _, w in windows(likes, 6, 10, (0, epoch))] == [[4, 2]] for epoch in range(12))
