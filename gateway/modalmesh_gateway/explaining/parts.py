"""What the encoders say of the parts of some items: their words, and the regions of pictures that the caller brings.

Knows no grpc and no protobuf.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from modalmesh.errors import InvalidInput
from modalmesh.types import Lack, RegionShare, WordShare
from modalmesh_gateway.content import image_hash, text_hash
from modalmesh_gateway.explaining.checks import Check, without_for_real
from modalmesh_gateway.explaining.hidden import Hiding, without_hidden
from modalmesh_gateway.explaining.removals import (
    PictureSource,
    Removals,
    TextSource,
    is_before_pooling,
    without_regions,
    without_words,
)
from modalmesh_gateway.parts import PART_FAILURES, lack_of
from modalmesh_gateway.ports import Encoded, Encoder, FuseInput, Visual
from modalmesh_gateway.store import TokenVectors
from modalmesh_services.common.deadline import Deadline

Input = TypeVar("Input")


@dataclass(frozen=True, slots=True)
class _Asked:
    """One input of an encoder: whose it is, by the item's place, and where its pooled vector stands."""

    item: int
    rows: tuple[int, ...]
    name: str
    number: int = 0


class Parts:
    """What fails or doesn't fit is said in `lacked`: an explanation goes on without it."""

    def __init__(self, text: Encoder[str], image: Encoder[Visual]) -> None:
        self._text = text
        self._image = image

    async def words(
        self, items: Sequence[FuseInput], lacked: list[Lack], deadline: Deadline
    ) -> list[Removals[WordShare]]:
        """Of each item, in order."""
        asked: dict[_Asked, str] = {}
        for place, item in enumerate(items):
            texts = item.item.text_fields()
            for row, label in enumerate(item.text.labels if item.text else ()):
                # What was stored meanwhile may be another text than the vector's.
                if item.text and text_hash(texts.get(label, "")) == item.text.content_hashes[row]:
                    asked[_Asked(place, (row,), label)] = texts[label]
            if texts and item.text is None:
                lacked.append(Lack("words", "NO_VECTOR"))
        encoded = await _parts(self._text, asked, [item.text for item in items], lacked, deadline)
        sources: list[list[TextSource]] = [[] for _ in items]
        for each, parts in encoded.items():
            source = TextSource(each.name, asked[each], each.rows[0], parts)
            if is_before_pooling(items[each.item].text, parts):
                sources[each.item].append(source)
            else:
                lacked.append(Lack("words", "NO_PARTS"))
        return [without_words(item, of_item) for item, of_item in zip(items, sources, strict=True)]

    async def without_words(
        self, items: Sequence[FuseInput], wanted: Sequence[Sequence[Check]], lacked: list[Lack], deadline: Deadline
    ) -> list[list[FuseInput]]:
        """Each item as its checks say; see explaining.checks."""
        return await without_for_real(self._text, items, wanted, lacked, deadline)

    async def without_hidden(
        self,
        items: Sequence[FuseInput],
        pictures: Sequence[bytes],
        wanted: Sequence[Hiding],
        lacked: list[Lack],
        deadline: Deadline,
    ) -> list[list[FuseInput]]:
        """Each item without what is to be hidden; see explaining.hidden."""
        return await without_hidden(self._image, items, pictures, wanted, lacked, deadline)

    async def regions(
        self, items: Sequence[FuseInput], pictures: Sequence[bytes], lacked: list[Lack], deadline: Deadline
    ) -> list[Removals[RegionShare]]:
        """Of each item, in order: of those of its pictures that are among `pictures`."""
        numbers: dict[str, int] = {}
        for number, content in enumerate(pictures):
            numbers.setdefault(image_hash(content), number)
        asked: dict[_Asked, Visual] = {}
        for place, item in enumerate(items):
            shown = list(dict.fromkeys(picture.content_hash for picture in item.item.pictures))
            hashes = item.image.content_hashes if item.image else ()
            for content_hash in shown:
                rows = tuple(row for row, name in enumerate(hashes) if name == content_hash)
                if content_hash in numbers and rows:
                    number = numbers[content_hash]
                    asked[_Asked(place, rows, content_hash, number)] = Visual(pictures[number])
            if shown and not numbers.keys() & set(shown):
                lacked.append(Lack("regions", "PICTURE_NOT_GIVEN"))
            elif shown and item.image is None:
                lacked.append(Lack("regions", "NO_VECTOR"))
        encoded = await _parts(self._image, asked, [item.image for item in items], lacked, deadline)
        sources: list[list[PictureSource]] = [[] for _ in items]
        for each, parts in encoded.items():
            sources[each.item].append(PictureSource(each.number, each.rows, parts))
        return [without_regions(item, of_item) for item, of_item in zip(items, sources, strict=True)]


def check_shown(items: Sequence[FuseInput], pictures: Sequence[bytes]) -> None:
    """Raises InvalidInput for a picture of none of the items."""
    shown = {picture.content_hash for item in items for picture in item.item.pictures}
    for number, content in enumerate(pictures):
        if image_hash(content) not in shown:
            raise InvalidInput(f"pictures[{number}]", "is no picture of these items", reason="UNKNOWN_PICTURE")


async def _parts(
    encoder: Encoder[Input],
    asked: Mapping[_Asked, Input],
    tokens: Sequence[TokenVectors | None],
    lacked: list[Lack],
    deadline: Deadline,
) -> dict[_Asked, Encoded]:
    """All parts by one call; without those that can't be had, or that are of another model than the item's vectors."""
    if not asked:
        return {}
    try:
        batch = await encoder.parts(list(asked.values()), deadline)
    except PART_FAILURES as error:
        lacked.append(lack_of(encoder.name, error))
        return {}
    found: dict[_Asked, Encoded] = {}
    for each, encoded in zip(asked, batch.results, strict=True):
        own = tokens[each.item]
        if own is None or own.embeddings.model.fingerprint != batch.model.fingerprint:
            lacked.append(Lack(encoder.name, "MODEL_CHANGED"))
        elif encoded.values is None:
            lacked.append(Lack(encoder.name, "NO_PARTS"))
        else:
            found[each] = encoded
    return found
