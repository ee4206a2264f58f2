"""What is painted over, and what is made of the item without it."""

from collections.abc import Sequence

import numpy as np
import pytest

from modalmesh.embeddings import Embeddings, ModelId
from modalmesh.errors import Overloaded
from modalmesh.types import Item, Lack, ModelInfo, RegionShare
from modalmesh_gateway.content import image_hash
from modalmesh_gateway.explaining.hidden import Hiding, hidden, without_hidden
from modalmesh_gateway.ports import Encoded, EncodedBatch, FuseInput, Visual
from modalmesh_gateway.store import TokenVectors
from modalmesh_services.common.deadline import Deadline

MODEL = ModelId("fake", "one")
NOW = Deadline.after(5.0)
FRONT, BACK = b"front", b"back"


def item(*contents: bytes) -> FuseInput:
    vectors = Embeddings(np.zeros((len(contents), 1), np.float32), MODEL)
    hashes = tuple(image_hash(content) for content in contents)
    return FuseInput(Item("mug"), None, TokenVectors(vectors, ("picture",) * len(contents), hashes))


def regions(picture: int, count: int) -> list[RegionShare]:
    return [RegionShare(picture, place / count, 0.0, (place + 1) / count, 1.0, 0.0, 0.0) for place in range(count)]


class FakeEncoder:
    """A picture's vector is where the first box that is hidden begins, plus the number of boxes."""

    name = "image-encoder"
    address = ""

    def __init__(self, model: ModelId = MODEL, fails: bool = False) -> None:
        self._model = model
        self._fails = fails
        self.encoded: list[bytes] = []

    async def encode(self, inputs: Sequence[Visual], deadline: Deadline) -> EncodedBatch:
        if self._fails:
            raise Overloaded("is busy")
        self.encoded += [each.content for each in inputs]
        values = [np.array([[len(each.hidden) + each.hidden[0].left]], np.float32) for each in inputs]
        return EncodedBatch(self._model, [Encoded(each) for each in values])

    async def parts(self, inputs: Sequence[Visual], deadline: Deadline) -> EncodedBatch:
        raise NotImplementedError

    async def model(self, deadline: Deadline) -> ModelInfo:
        raise NotImplementedError


async def test_the_picture_is_encoded_without_each_cover_of_its_regions() -> None:
    encoder = FakeEncoder()
    wanted = hidden([[*regions(0, 2), *regions(1, 1)]], [FRONT, BACK])
    (found,) = await without_hidden(encoder, [item(BACK, FRONT, BACK)], [FRONT, BACK], wanted, [], NOW)
    assert encoder.encoded == [FRONT, FRONT, FRONT, BACK]
    values = [each.image.embeddings.values[:, 0].tolist() for each in found if each.image]
    assert values == [[0.0, 1.0, 0.0], [0.0, 1.5, 0.0], [0.0, 2.0, 0.0], [1.0, 0.0, 1.0]]


def test_a_call_hides_no_more_than_it_may() -> None:
    assert [len(own.covers) for own in hidden([regions(0, 3)] * 12, [FRONT])] == [4] * 10 + [0, 0]
    assert hidden([[]], []) == [Hiding([], [])]


def test_a_picture_is_covered_as_a_whole_or_not_at_all() -> None:
    large = bytes(9 * 1024 * 1024)
    (found,) = hidden([[*regions(0, 3), *regions(1, 3), *regions(2, 3)]], [FRONT, large, BACK])
    assert {cover.picture for cover in found.covers} == {0, 2}


@pytest.mark.parametrize(
    ("encoder", "lack"),
    [
        (FakeEncoder(fails=True), Lack("image-encoder", "OVERLOADED")),
        (FakeEncoder(ModelId("fake", "two")), Lack("image-encoder", "MODEL_CHANGED")),
    ],
)
async def test_without_the_encoder_nothing_is_hidden_and_that_is_said(encoder: FakeEncoder, lack: Lack) -> None:
    lacked: list[Lack] = []
    assert await without_hidden(encoder, [item(FRONT)], [FRONT], hidden([regions(0, 2)], [FRONT]), lacked, NOW) == [[]]
    assert lacked == [lack]


async def test_where_nothing_is_to_be_hidden_nobody_is_asked() -> None:
    assert await without_hidden(FakeEncoder(fails=True), [item(FRONT)], [FRONT], hidden([[]], []), [], NOW) == [[]]
