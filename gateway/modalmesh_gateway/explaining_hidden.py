"""Pictures with a region painted over for real: they are encoded again without each. Knows no grpc and no protobuf.

A cell of an encoder's grid has seen far more of the picture than its own box, so that what is left when it is taken out
of the mean is hardly what the encoder would make of the picture without it.
"""

from collections.abc import Sequence
from dataclasses import replace

from modalmesh.embeddings import FloatMatrix
from modalmesh.types import Lack, RegionShare
from modalmesh_gateway.content import image_hash
from modalmesh_gateway.explaining_removals import with_vector
from modalmesh_gateway.parts import PART_FAILURES, lack_of
from modalmesh_gateway.ports import Encoder, FuseInput, Place, Visual
from modalmesh_services.common.deadline import Deadline

# Of a call, and of the message that it takes: what is beyond stays as the grid says.
_MOST_REGIONS = 36
_MOST_BYTES = 16 * 1024 * 1024


def hidden(items: Sequence[Sequence[RegionShare]], pictures: Sequence[bytes]) -> list[list[RegionShare]]:
    """The first of each item's regions, as many as a call may hide."""
    count = size = 0
    chosen: list[list[RegionShare]] = []
    for regions in items:
        own: list[RegionShare] = []
        for region in regions:
            count += 1
            size += len(pictures[region.picture])
            if count <= _MOST_REGIONS and size <= _MOST_BYTES:
                own.append(region)
        chosen.append(own)
    return chosen


async def without_hidden(
    encoder: Encoder[Visual],
    items: Sequence[FuseInput],
    pictures: Sequence[bytes],
    wanted: Sequence[Sequence[RegionShare]],
    lacked: list[Lack],
    deadline: Deadline,
) -> list[list[FuseInput]]:
    """Each item without each of its regions, encoded anew; none where the encoder fails now or was replaced."""
    nothing: list[list[FuseInput]] = [[] for _ in items]
    asked = [Visual(pictures[region.picture], hidden=(_box(region),)) for own in wanted for region in own]
    if not asked:
        return nothing
    try:
        batch = await encoder.encode(asked, deadline)
    except PART_FAILURES as error:
        lacked.append(lack_of(encoder.name, error))
        return nothing
    vectors = [result.values[0] for result in batch.results if result.values is not None]
    fingerprints = {item.image.embeddings.model.fingerprint for item in items if item.image}
    if len(vectors) < len(asked) or fingerprints != {batch.model.fingerprint}:
        lacked.append(Lack(encoder.name, "MODEL_CHANGED"))
        return nothing
    coming = iter(vectors)
    return [
        [_with_picture(item, pictures[region.picture], next(coming)) for region in own]
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
