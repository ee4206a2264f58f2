"""What somebody may have meant by a name that doesn't exist."""

from collections.abc import Sequence
from difflib import SequenceMatcher, get_close_matches

_RESEMBLANCE = 0.6
# MODLE for MODEL, PROT for PORT: two letters changed places, or one is wrong, missing or too much.
_MISSPELT_RESEMBLANCE = 0.75
_MISSPELT_LETTERS = 2


def nearest(name: str, known: Sequence[str]) -> str:
    """The known name that is most like it; empty if none is."""
    return next(iter(get_close_matches(name, known, n=1, cutoff=_RESEMBLANCE)), "")


def is_misspelling(name: str, known: str) -> bool:
    """Whether so few letters differ that somebody who wrote the one surely meant the other."""
    matcher = SequenceMatcher(None, name, known, autojunk=False)
    wrong = sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal")
    return matcher.ratio() >= _MISSPELT_RESEMBLANCE and wrong <= _MISSPELT_LETTERS
