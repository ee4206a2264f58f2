"""A text's words, each with the tokens that it is made of. Knows no grpc and no protobuf."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from modalmesh_gateway.ports import Place

# Chinese and Japanese are written without spaces: each character is a word of its own.
_IDEOGRAM = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_LETTERS = rf"(?:(?![{_IDEOGRAM}])\w)+"
_WORD = re.compile(rf"[{_IDEOGRAM}]|{_LETTERS}(?:['\u2019-]{_LETTERS})*")


@dataclass(frozen=True, slots=True)
class Word:
    """The characters [start, end) of a text, and the rows of their tokens."""

    start: int
    end: int
    rows: tuple[int, ...]


def words_of(text: str, places: Sequence[Place]) -> list[Word]:
    """In order. `places` has the characters of each token; words of no token, such as those behind the model's limit,
    are left out, and punctuation is part of none.
    """
    words: list[Word] = []
    first = 0
    for match in _WORD.finditer(text):
        # Both are in order, so that what ends before this word begins is looked at no more.
        while first < len(places) and places[first].end <= match.start():
            first += 1
        last = first
        while last < len(places) and places[last].start < match.end():
            last += 1
        if last > first:
            words.append(Word(match.start(), match.end(), tuple(range(first, last))))
    return words


def joined(words: Sequence[Word], together: int) -> list[Word]:
    """Each `together` words in a row as one, of about equal numbers."""
    groups = -(-len(words) // together)
    bounds = [number * len(words) // groups for number in range(groups + 1)] if groups else [0]
    runs = [words[start:end] for start, end in pairwise(bounds)]
    return [
        Word(run[0].start, run[-1].end, tuple(dict.fromkeys(row for word in run for row in word.rows))) for run in runs
    ]
