"""The few words that seem to count most, taken out of the text for real: it is encoded again without each of them.

A word's token vector holds much of its neighbours, and theirs of it, so that what is left when it is taken out of the
mean is not quite what the encoder would make of the text without it. Knows no grpc and no protobuf.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from modalmesh.embeddings import FloatMatrix
from modalmesh.types import Lack, WordShare
from modalmesh_gateway.explaining.anew import vectors_anew
from modalmesh_gateway.explaining.falls import Falls
from modalmesh_gateway.explaining.removals import with_vector
from modalmesh_gateway.ports import Encoder, FuseInput
from modalmesh_services.common.deadline import Deadline

# As many encodes of the text take about as long as all the rest of an explanation.
_CHECKED = 4
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Check:
    """The word at this place of an item's words, and what is left of its text field without it."""

    place: int
    field: str
    left: str


def checks(item: FuseInput, words: Sequence[WordShare], falls: Falls) -> list[Check]:
    """Of the words without which the score seems to fall most. A field of one word goes with it, which is exact."""
    texts = item.item.text_fields()
    chosen: list[Check] = []
    for place in np.argsort(-falls[: len(words)], kind="stable")[:_CHECKED].tolist():
        word = words[place]
        left = _SPACES.sub(" ", texts[word.field][: word.start] + texts[word.field][word.end :]).strip()
        if falls[place] > 0 and any(character.isalnum() for character in left):
            chosen.append(Check(place, word.field, left))
    return chosen


async def without_for_real(
    encoder: Encoder[str],
    items: Sequence[FuseInput],
    wanted: Sequence[Sequence[Check]],
    lacked: list[Lack],
    deadline: Deadline,
) -> list[list[FuseInput]]:
    """Each item as its checks say, encoded anew; none where the encoder fails now or was replaced."""
    texts = list(dict.fromkeys(check.left for own in wanted for check in own))
    found = await vectors_anew(encoder, texts, [item.text for item in items], lacked, deadline)
    if not found:
        return [[] for _ in items]
    vectors = dict(zip(texts, found, strict=True))
    return [
        [_with_text(item, check.field, vectors[check.left]) for check in own]
        for item, own in zip(items, wanted, strict=True)
    ]


def _with_text(item: FuseInput, field: str, vector: FloatMatrix) -> FuseInput:
    if item.text is None:
        return item
    return replace(item, text=with_vector(item.text, [item.text.labels.index(field)], vector))
