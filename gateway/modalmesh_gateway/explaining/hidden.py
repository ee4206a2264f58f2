"""Pictures with regions painted over for real: they are encoded again without these. Knows no grpc and no protobuf.

A cell of an encoder's grid has seen far more of the picture than its own box, so that what is left when it is taken out
of the mean is hardly what the encoder would make of the picture without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from modalmesh.embeddings import FloatMatrix
from modalmesh.types import Lack, RegionShare
from modalmesh_gateway.content import image_hash
from modalmesh_gateway.explaining.anew import vectors_anew
from modalmesh_gateway.explaining.covers import Cover, covers_of
from modalmesh_gateway.explaining.removals import with_vector
from modalmesh_gateway.ports import Encoder, FuseInput, Place, Visual
from modalmesh_services.common.deadline import Deadline

# Of a call, and of the message that it takes: what is beyond stays as the grid says.
_MOST_COVERS = 40
_MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Hiding:
    """Of an item: what is to be painted over, of the regions that it has."""

    regions: Sequence[RegionShare]
    covers: Sequence[Cover]


def hidden(items: Sequence[Sequence[RegionShare]], pictures: Sequence[bytes]) -> list[Hiding]:
    """The covers of pictures from the first on, as many as a call may hide; a picture's all or none."""
    count = size = 0
    chosen: list[Hiding] = []
    for regions in items:
        own: list[Cover] = []
        for picture, covers in groupby(covers_of(regions), key=lambda cover: cover.picture):
            wanted = list(covers)
            more = len(wanted) * len(pictures[picture])
            if count + len(wanted) <= _MOST_COVERS and size + more <= _MOST_BYTES:
                count, size = count + len(wanted), size + more
                own += wanted
        chosen.append(Hiding(regions, own))
    return chosen


async def without_hidden(
    encoder: Encoder[Visual],
    items: Sequence[FuseInput],
    pictures: Sequence[bytes],
    wanted: Sequence[Hiding],
    lacked: list[Lack],
    deadline: Deadline,
) -> list[list[FuseInput]]:
    """Each item without each of its covers' regions, encoded anew; none where the encoder fails now or was replaced."""
    asked = [
        Visual(pictures[cover.picture], hidden=tuple(_box(own.regions[place]) for place in cover.places))
        for own in wanted
        for cover in own.covers
    ]
    vectors = await vectors_anew(encoder, asked, [item.image for item in items], lacked, deadline)
    if not vectors:
        return [[] for _ in items]
    coming = iter(vectors)
    return [
        [_with_picture(item, pictures[cover.picture], next(coming)) for cover in own.covers]
        for item, own in zip(items, wanted, strict=True)
    ]


def _box(region: RegionShare) -> Place:
    return Place(left=region.left, top=region.top, right=region.right, bottom=region.bottom)


def _with_picture(item: FuseInput, content: bytes, vector: FloatMatrix) -> FuseInput:
    if item.image is None:
        return item
    name = image_hash(content)
    rows = [row for row, each in enumerate(item.image.content_hashes) if each == name]
    return replace(item, image=with_vector(item.image, rows, vector))
