import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modalmesh_gateway.explaining.words import Word, joined, words_of
from modalmesh_gateway.ports import Place


def pieces(text: str, length: int = 3) -> list[Place]:
    """Tokens of at most so many characters, none across a space."""
    places = []
    for found in re.finditer(r"\S+", text):
        cuts = [*range(found.start(), found.end(), length), found.end()]
        places += [Place(start, end) for start, end in pairwise(cuts)]
    return places


def said(text: str, places: list[Place]) -> list[str]:
    return [text[word.start : word.end] for word in words_of(text, places)]


def test_word_pieces_become_words_with_their_rows() -> None:
    words = words_of("striped mug", pieces("striped mug"))
    assert words == [Word(0, 7, (0, 1, 2)), Word(8, 11, (3,))]


def test_an_apostrophe_and_a_hyphen_part_no_word_and_punctuation_is_none() -> None:
    text = "Don't, a well-made mug!"
    assert said(text, pieces(text)) == ["Don't", "a", "well-made", "mug"]


def test_each_ideogram_is_a_word() -> None:
    assert said("赤い mug", pieces("赤い mug", 1)) == ["赤", "い", "mug"]


def test_words_behind_the_models_limit_are_left_out() -> None:
    assert said("one two three", pieces("one two three")[:2]) == ["one", "two"]


def test_a_text_without_tokens_has_no_words() -> None:
    assert said("one two", []) == []


@given(st.text(max_size=60), st.integers(1, 5))
def test_every_word_has_tokens_that_touch_it(text: str, length: int) -> None:
    places = pieces(text, length)
    for word in words_of(text, places):
        assert all(places[row].end > word.start and places[row].start < word.end for row in word.rows)


@pytest.mark.parametrize(("together", "runs"), [(1, [1, 1, 1, 1, 1]), (2, [1, 2, 2]), (5, [5]), (9, [5])])
def test_words_in_a_row_are_joined_in_about_equal_numbers(together: int, runs: list[int]) -> None:
    words = words_of("a b c d e", pieces("a b c d e"))
    whole = joined(words, together)
    assert [len(word.rows) for word in whole] == runs
    assert [row for word in whole for row in word.rows] == [0, 1, 2, 3, 4]
    assert (whole[0].start, whole[-1].end) == (0, 9)
    assert joined([], together) == []
