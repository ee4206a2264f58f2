"""GetEmbeddings: each item gets its own rows."""

from collections.abc import Sequence

import numpy as np
import pytest

from modalmesh.client import Client
from modalmesh.convert_matrices import matrix_to_proto
from modalmesh.embeddings import Dtype, Embeddings, ModelId
from modalmesh.errors import InvalidInput, Unavailable
from modalmesh.v1 import fusion_ranker_service_pb2 as ranker
from modalmesh.v1 import recommender_service_pb2 as v1
from modalmesh.v1 import types_pb2 as messages
from tests.unit.client.scripted_gateway import ScriptedGateway

TEXT = np.arange(12, dtype=np.float32).reshape(3, 4)
IMAGE = (np.arange(10).reshape(2, 5) / 8).astype(np.float32)


def tokens(item_id: str, texts: Sequence[int], images: Sequence[int]) -> ranker.ItemTokens:
    return ranker.ItemTokens(
        item_id=item_id,
        texts=[ranker.TextToken(field="title", row=row) for row in texts],
        images=[ranker.ImageToken(kind=messages.PICTURE_KIND_FRAME, row=row) for row in images],
        attributes={"colour": messages.AttributeValues(values=["red"])},
        time_ms=-7,
        missing=[] if images else [messages.MODALITY_IMAGE],
    )


def message(*items: ranker.ItemTokens, dtype: Dtype = Dtype.F16) -> v1.GetEmbeddingsResponse:
    return v1.GetEmbeddingsResponse(
        text=matrix_to_proto(Embeddings(TEXT, ModelId("words", "t1")), dtype),
        image=matrix_to_proto(Embeddings(IMAGE, ModelId("looks", "i1")), dtype),
        items=items,
    )


def test_an_item_has_its_own_rows_and_no_others(client: Client, gateway: ScriptedGateway) -> None:
    gateway.answers["GetEmbeddings"] = [message(tokens("lamp", [2, 0], [1]))]
    (item,) = client.get_embeddings()
    np.testing.assert_array_equal(item.text, TEXT[[2, 0]])
    np.testing.assert_array_equal(item.image, IMAGE[[1]])
    assert item.text.dtype == np.float32


def test_what_is_known_beside_the_vectors_comes_along(client: Client, gateway: ScriptedGateway) -> None:
    gateway.answers["GetEmbeddings"] = [message(tokens("lamp", [0], [1]))]
    (item,) = client.get_embeddings()
    assert (item.text_fields, item.image_kinds, item.time_ms) == (("title",), ("frame",), -7)
    assert item.attributes == {"colour": ("red",)}
    assert (item.text_model, item.image_model) == (ModelId("words", "t1"), ModelId("looks", "i1"))


def test_a_missing_modality_has_no_rows_of_the_right_width(client: Client, gateway: ScriptedGateway) -> None:
    gateway.answers["GetEmbeddings"] = [message(tokens("lamp", [0], []))]
    (item,) = client.get_embeddings()
    assert item.image.shape == (0, 5)
    assert item.missing == ("image",)


def test_items_of_all_messages_come_in_order(client: Client, gateway: ScriptedGateway) -> None:
    gateway.answers["GetEmbeddings"] = [
        message(tokens("a", [0], []), tokens("b", [1], [])),
        message(tokens("c", [2], [])),
    ]
    assert [item.item_id for item in client.get_embeddings(dtype=Dtype.F32)] == ["a", "b", "c"]
    assert gateway.requests("GetEmbeddings")[0].dtype == messages.DATA_TYPE_F32


def test_an_empty_catalogue_has_no_embeddings(client: Client, gateway: ScriptedGateway) -> None:
    gateway.answers["GetEmbeddings"] = [v1.GetEmbeddingsResponse()]
    assert list(client.get_embeddings()) == []


def test_a_row_outside_the_matrix_is_refused_with_its_field(client: Client, gateway: ScriptedGateway) -> None:
    gateway.answers["GetEmbeddings"] = [message(tokens("a", [0], []), tokens("b", [3], []))]
    with pytest.raises(InvalidInput, match=r"names row 3 of a matrix of 3") as refused:
        list(client.get_embeddings())
    assert refused.value.field == "items[1].texts"


def test_a_torn_matrix_is_refused_with_its_field(client: Client, gateway: ScriptedGateway) -> None:
    torn = message(tokens("a", [0], []))
    torn.image.data = torn.image.data[:-1]
    gateway.answers["GetEmbeddings"] = [torn]
    with pytest.raises(InvalidInput) as refused:
        list(client.get_embeddings())
    assert refused.value.field == "image.data"


def test_a_stream_that_failed_before_its_first_message_is_tried_again(client: Client, gateway: ScriptedGateway) -> None:
    gateway.answers["GetEmbeddings"] = [message(tokens("a", [0], []))]
    gateway.fail("GetEmbeddings", Unavailable("redis", "redis is down", retry_after=0.01))
    assert [item.item_id for item in client.get_embeddings()] == ["a"]


def test_a_stream_that_broke_in_the_middle_says_so_and_repeats_nothing(
    client: Client, gateway: ScriptedGateway
) -> None:
    gateway.answers["GetEmbeddings"] = [
        message(tokens("a", [0], [])),
        Unavailable("redis", "redis is down", retry_after=0.01),
    ]
    with pytest.raises(Unavailable, match="redis is down"):
        list(client.get_embeddings())
    assert len(gateway.requests("GetEmbeddings")) == 1


def test_a_stream_that_nobody_reads_on_is_left(gateway: ScriptedGateway) -> None:
    gateway.answers["GetEmbeddings"] = [message(tokens(str(number), [0], [])) for number in range(100)]
    with Client(gateway.address) as client:
        stream = client.get_embeddings()
        assert next(stream).item_id == "0"
        stream.close()  # type: ignore[attr-defined]  # it is a generator
        assert list(stream) == []
