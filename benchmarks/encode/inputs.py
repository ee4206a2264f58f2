"""How many inputs, of what kind, and what they are like."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

from tokenizers import Tokenizer

from benchmarks.encode import pictures, texts
from benchmarks.encode.deal import Deal
from benchmarks.encode.measure import Plan
from benchmarks.encode.results import Kind
from modalmesh_services.text_encoder.folder import PACKAGED, find_folder

MOST_TOKENS = 256
AnyDeal: TypeAlias = Deal[str] | Deal[bytes]


@dataclass(frozen=True, slots=True)
class Size:
    """Of a set, which is a measurement's inputs, and of the rest."""

    texts: int
    pictures: int
    lone: int
    overload_seconds: float

    def plan(self, rounds: int) -> Plan:
        return Plan(rounds, self.lone, self.overload_seconds)


FULL = Size(texts=1024, pictures=512, lone=100, overload_seconds=6.0)
QUICK = Size(texts=192, pictures=96, lone=10, overload_seconds=2.0)


def deal(kind: Kind, size: Size, rounds: int, folder: Path | None) -> tuple[AnyDeal, dict[str, Any]]:
    """Sets for all measurements, and what is in them.

    Raises:
        NotComparable: there are too few pictures in `folder`.
    """
    # A set a round for all sides, one a round for a single call, and one to warm up.
    sets = 2 * rounds + 1
    return _texts(size.texts, sets) if kind == "text" else _pictures(size.pictures, sets, folder)


def _texts(size: int, sets: int) -> tuple[AnyDeal, dict[str, Any]]:
    tokenizer = Tokenizer.from_file(str(find_folder(PACKAGED).path / "tokenizer.json"))
    # Some begin alike, and are one when they are cut.
    found = texts.cut(texts.docstrings(size * sets * 5 // 4), tokenizer, MOST_TOKENS)
    tokens = {text: len(one.ids) for text, one in zip(found, tokenizer.encode_batch(found), strict=True)}
    dealt = Deal(found, size, sets, lambda text: tokens[text])
    lengths = [tokens[text] for text in dealt.everything]
    words = median(len(text.split()) for text in dealt.everything)
    described = {"source": "docstrings of installed packages", "median_words": words, **_count(dealt.everything, size)}
    return dealt, {**described, "median_tokens": median(lengths), "most_tokens": max(lengths)}


def _pictures(size: int, sets: int, folder: Path | None) -> tuple[AnyDeal, dict[str, Any]]:
    found = pictures.read(folder, size * sets) if folder else pictures.draw(size * sets)
    dealt = Deal(found, size, sets, len)
    source = folder.resolve().name if folder else "drawn"
    kilobytes = round(median(len(file) for file in dealt.everything) / 1000, 1)
    return dealt, {"source": source, "median_kilobytes": kilobytes, **_count(dealt.everything, size)}


def _count(everything: Sequence[object], size: int) -> dict[str, int]:
    return {"different": len(everything), "a_measurement": size}
