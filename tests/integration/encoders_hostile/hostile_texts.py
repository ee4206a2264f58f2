"""Texts that nobody means well, drawn from a seed."""

from collections.abc import Callable
from random import Random

_RANGES = {
    "controls": (0x00, 0x1F),
    "later controls": (0x7F, 0x9F),
    "accents": (0x0300, 0x036F),
    "zero width and direction": (0x200B, 0x202E),
    "isolates and deprecated": (0x2060, 0x206F),
    "variation selectors": (0xFE00, 0xFE0F),
    "no characters": (0xFDD0, 0xFDEF),
    "tags": (0xE0000, 0xE007F),
    "Arabic": (0x0600, 0x06FF),
    "Hebrew": (0x0590, 0x05FF),
    "Devanagari": (0x0900, 0x097F),
    "Thai": (0x0E00, 0x0E7F),
    "Hangul parts": (0x1100, 0x11FF),
    "Chinese": (0x4E00, 0x9FFF),
    "emoji": (0x1F300, 0x1FAFF),
    "flags": (0x1F1E6, 0x1F1FF),
    "private use": (0xE000, 0xF8FF),
    "the last plane": (0x10FF00, 0x10FFFF),
    "letters": (0x61, 0x7A),
    "everything below surrogates": (0x00, 0xD7FF),
    "everything above": (0xE000, 0x10FFFF),
}
_SPACES = " \t\n\r\v\f\u00a0\u1680\u2003\u2028\u2029\u202f\u3000\u200b"
_JOINED = ("👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "‍", "\ufe0f", "🇩", "e\u0301", "한", "ﷺ")
# What means something to a model, a log, a terminal, a template or a database.
_MARKED = (
    "[CLS]",
    "[SEP]",
    "[PAD]",
    "[MASK]",
    "[UNK]",
    "##",
    "</s>",
    "%s%n",
    "{0}",
    "\x1b[2J",
    "\x00",
    "'; --",
    "../",
    "\r\n",
)


def hostile_text(seed: int) -> str:
    random = Random(seed)
    make: Callable[[Random], str] = random.choice((_of_ranges, _of_ranges, _spaces, _words, _joined, _marked, _mixed))
    return make(random)


def _of_ranges(random: Random) -> str:
    first, last = random.choice(list(_RANGES.values()))
    return "".join(chr(random.randint(first, last)) for _ in range(_length(random)))


def _spaces(random: Random) -> str:
    return "".join(random.choices(_SPACES, k=_length(random)))


def _words(random: Random) -> str:
    """Some words, of which some are huge."""
    sizes = random.choices((1, 3, 8, 100, 101, 5_000), k=random.randint(1, 40))
    return " ".join(random.choice("abcxyzé日\u0301") * size for size in sizes)


def _joined(random: Random) -> str:
    return "".join(random.choices(_JOINED, k=_length(random)))


def _marked(random: Random) -> str:
    return random.choice(("", " ")).join(random.choices(_MARKED, k=_length(random)))


def _mixed(random: Random) -> str:
    return "".join(make(random)[:200] for make in random.choices((_of_ranges, _spaces, _joined, _marked), k=8))


def _length(random: Random) -> int:
    """Mostly short, now and then above what the model reads."""
    return random.choice((0, 1, 2, 3, 10, 50, 300, 3_000, 20_000))
