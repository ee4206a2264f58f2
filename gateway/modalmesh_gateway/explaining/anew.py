"""What is left of items, encoded again. Knows no grpc and no protobuf."""

from collections.abc import Sequence
from typing import TypeVar

from modalmesh.embeddings import FloatMatrix
from modalmesh.types import Lack
from modalmesh_gateway.parts import PART_FAILURES, lack_of
from modalmesh_gateway.ports import Encoder
from modalmesh_gateway.store import TokenVectors
from modalmesh_services.common.deadline import Deadline

Input = TypeVar("Input")


async def vectors_anew(
    encoder: Encoder[Input],
    inputs: Sequence[Input],
    tokens: Sequence[TokenVectors | None],
    lacked: list[Lack],
    deadline: Deadline,
) -> list[FloatMatrix]:
    """A vector of each input; none where the encoder fails now, or is another than the one that made the `tokens`."""
    if not inputs:
        return []
    try:
        batch = await encoder.encode(inputs, deadline)
    except PART_FAILURES as error:
        lacked.append(lack_of(encoder.name, error))
        return []
    vectors = [result.values[0] for result in batch.results if result.values is not None]
    fingerprints = {each.embeddings.model.fingerprint for each in tokens if each}
    if len(vectors) < len(inputs) or fingerprints != {batch.model.fingerprint}:
        lacked.append(Lack(encoder.name, "MODEL_CHANGED"))
        return []
    return vectors
