"""Which words are taken out for real, and what is made of the item without them."""

from collections.abc import Sequence

import numpy as np
import pytest

from modalmesh.embeddings import Embeddings, ModelId
from modalmesh.errors import Unavailable
from modalmesh.types import Item, Lack, ModelInfo, WordShare
from modalmesh_gateway.explaining.checks import Check, checks, without_for_real
from modalmesh_gateway.ports import Encoded, EncodedBatch, FuseInput
from modalmesh_gateway.store import TokenVectors
from modalmesh_services.common.deadline import Deadline

MODEL = ModelId("fake", "one")
NOW = Deadline.after(5.0)
ITEM = FuseInput(
    Item("mug", "Mug", "A striped mug, for tea or for two."),
    TokenVectors(Embeddings(np.zeros((2, 1), np.float32), MODEL), ("title", "description"), ("", "")),
    None,
)


class FakeEncoder:
    """A text's vector is its length."""

    name = "text-encoder"
    address = ""

    def __init__(self, model: ModelId = MODEL, fails: bool = False) -> None:
        self._model = model
        self._fails = fails
        self.encoded: list[str] = []

    async def encode(self, inputs: Sequence[str], deadline: Deadline) -> EncodedBatch:
        if self._fails:
            raise Unavailable(self.name, "is down")
        self.encoded += inputs
        return EncodedBatch(self._model, [Encoded(np.array([[len(text)]], np.float32)) for text in inputs])

    async def parts(self, inputs: Sequence[str], deadline: Deadline) -> EncodedBatch:
        raise NotImplementedError

    async def model(self, deadline: Deadline) -> ModelInfo:
        raise NotImplementedError


def words(*places: tuple[str, int, int]) -> list[WordShare]:
    texts = ITEM.item.text_fields()
    return [WordShare(field, start, end, texts[field][start:end], 0.0, 0.0) for field, start, end in places]


def test_the_words_that_seem_to_count_most_are_checked() -> None:
    said = words(*[("description", place, place + 1) for place in (0, 2, 3, 4, 5, 6)])
    found = checks(ITEM, said, np.array([0.1, 0.5, -0.9, 0.4, 0.3, 0.2]))
    assert [check.place for check in found] == [1, 3, 4, 5]


def test_what_speaks_against_the_item_and_a_field_of_one_word_need_no_check() -> None:
    said = words(("title", 0, 3), ("description", 2, 9), ("description", 10, 13))
    assert checks(ITEM, said, np.array([0.9, -0.5, 0.4])) == [
        Check(2, "description", "A striped , for tea or for two.")
    ]


async def test_the_text_is_encoded_without_the_word() -> None:
    encoder = FakeEncoder()
    ((one,), (two,)) = await without_for_real(
        encoder, [ITEM, ITEM], [[Check(1, "description", "A mug")], [Check(0, "title", "A mug")]], [], NOW
    )
    assert encoder.encoded == ["A mug"]
    assert one.text is not None
    assert two.text is not None
    assert one.text.embeddings.values.tolist() == [[0.0], [5.0]]
    assert two.text.embeddings.values.tolist() == [[5.0], [0.0]]


@pytest.mark.parametrize(
    ("encoder", "lack"),
    [
        (FakeEncoder(fails=True), Lack("text-encoder", "UNAVAILABLE")),
        (FakeEncoder(ModelId("fake", "two")), Lack("text-encoder", "MODEL_CHANGED")),
    ],
)
async def test_without_the_encoder_nothing_is_checked_and_that_is_said(encoder: FakeEncoder, lack: Lack) -> None:
    lacked: list[Lack] = []
    assert await without_for_real(encoder, [ITEM], [[Check(1, "description", "A mug")]], lacked, NOW) == [[]]
    assert lacked == [lack]


async def test_where_nothing_is_to_be_checked_nobody_is_asked() -> None:
    encoder = FakeEncoder(fails=True)
    assert await without_for_real(encoder, [ITEM], [[]], [], NOW) == [[]]
