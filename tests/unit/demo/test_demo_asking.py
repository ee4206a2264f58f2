"""Who is shown, and what counted for them."""

from dataclasses import replace

import pytest

from modalmesh.local.demo.asking import Answers, Asked, choose, is_liking
from modalmesh.types import Event, RankedItems, Served
from tests.unit.demo.answers import asked, degraded, ranked


def names(users: list[Asked]) -> list[str]:
    return [user.user_id for user in users]


def test_lookers_readers_and_those_who_do_both_are_shown_by_turns() -> None:
    users = [
        asked("crowd", "abcde", ["a"], popularity=1),
        asked("both", "fghij", ["b"], text=5, image=5),
        asked("reader", "klmno", ["c"], text=9, image=1),
        asked("looker", "pqrst", ["d"], text=1, image=9),
    ]
    assert names(choose(users)) == ["looker", "reader", "both", "crowd"]


def test_of_two_who_are_much_the_same_one_is_shown() -> None:
    users = [
        asked("first", "abcde", ["x"], image=10),
        asked("her twin", "abcde", ["x"], image=9, popularity=1),
        asked("another", "fghij", ["y"], image=8, popularity=2),
        asked("reader", "klmno", ["z"], text=1),
        asked("both", "pqrst", ["w"], text=1, image=1),
    ]
    assert names(choose(users, count=4))[::3] == ["first", "another"]


def test_as_many_as_are_wanted_are_shown_and_nobody_twice() -> None:
    users = [asked(f"user{number}", image=number + 1.0, text=1) for number in range(9)]
    assert len(set(names(choose(users, count=6)))) == 6
    assert len(choose(users[:2], count=6)) == 2


def test_whoever_liked_little_or_has_no_reasons_is_not_shown() -> None:
    unexplained = Asked("unexplained", "abcde", RankedItems([], Served()), 1.0)
    assert choose([asked("newcomer", liked="abcd", image=1), unexplained]) == []


def test_what_counted_adds_up_over_all_items() -> None:
    items = [ranked("x", text=3, popularity=-1), ranked("y", text=1, image=5)]
    user = Asked("ada", "abcde", RankedItems(items, Served()), 1.0)
    assert {each.signal: (each.contribution, each.share) for each in user.counted} == {
        "text": (2, 0.4),
        "popularity": (-1, 0.1),
        "image": (5, 0.5),
    }
    assert (user.share("image"), user.share("collaborative")) == (0.5, 0)


@pytest.mark.parametrize(
    ("kind", "value", "liked"),
    [
        ("rating", 3.5, True),
        ("rating", 3.0, False),
        ("rating", None, False),
        ("purchase", None, True),
        ("purchase", 1.0, True),
        ("dislike", None, False),
        ("hide", 5.0, False),
    ],
)
def test_what_speaks_for_an_item_is_what_speaks_for_it_in_the_gateway(
    kind: str, value: float | None, liked: bool
) -> None:
    event = Event("ada", "lamp", 1, kind, value)
    assert is_liking(event) is liked


def test_degraded_answers_are_counted_and_the_usual_time_is_the_median() -> None:
    ada = asked("ada", image=1)
    answers = Answers([replace(ada, answer=degraded(ada.answer)), replace(ada, milliseconds=500.0), ada])
    assert (answers.degraded, answers.median_milliseconds) == (1, 20.0)
    assert Answers().median_milliseconds == 0
