"""Callers of each released contract against today's gateway and ranker, and services newer than the gateway."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import grpc
import numpy as np
import pytest

from modalmesh.v1 import text_encoder_service_pb2 as text_pb
from tests.fakes import TEXT_DIM, serve_text_encoder
from tests.integration.gateway.meshes import GatedTextEncoder, Mesh, until_answer
from tests.integration.gateway.shop import SHOP
from tests.released import RELEASED, Contract, ReleasedCaller

RECOMMENDER, RANKER = "modalmesh.v1.Recommender", "modalmesh.v1.FusionRanker"
# Of a field that no release has: number 15,000, a varint.
UNKNOWN = b"\xc0\xa9\x07\x01"
STRIPES = base64.b64encode(b"red stripes").decode()
RATING = {"userId": "ada", "itemId": "red-mug", "timeMs": "1700000000000", "type": "rating", "value": 5.0}
# One of each, in an order in which each finds what it asks for.
CALLS: dict[str, dict[str, Any]] = {
    "UpsertItems": {"items": [{"itemId": "old-mug", "title": "old mug", "pictures": [{"content": STRIPES}]}]},
    "RecordEvents": {"events": [RATING]},
    "GetItem": {"itemId": "old-mug"},
    "ListItems": {"pageSize": 3},
    "GetHistory": {"userId": "ada"},
    "GetEmbeddings": {"dtype": "DATA_TYPE_F16"},
    "Recommend": {"userId": "ada", "k": 3, "explain": True},
    "Rank": {"userId": "ada", "itemIds": ["blue-mug", "lamp"]},
    "SimilarItems": {"itemId": "red-mug", "k": 2, "by": "SIMILAR_BY_TEXT"},
    "SearchItems": {"text": "desk lamp", "k": 1},
    "Explain": {"userId": "ada", "itemIds": ["blue-mug"], "words": True},
    "DeleteItems": {"itemIds": ["old-mug"]},
}
EXPECTED = {
    "UpsertItems": {"created": "1", "refused": []},
    "RecordEvents": {"recorded": "1", "refused": []},
    "DeleteItems": {"deleted": "1", "unknown": []},
}


@pytest.fixture(params=RELEASED, ids=lambda path: path.stem)
def contract(request: pytest.FixtureRequest) -> Contract:
    return Contract.read(request.param)


@pytest.fixture
async def caller(contract: Contract, shop: Mesh) -> AsyncIterator[ReleasedCaller]:
    async with grpc.aio.insecure_channel(shop.address) as channel:
        yield ReleasedCaller(contract, channel)


def matrix(rows: int, dim: int, fingerprint: str) -> dict[str, Any]:
    values = np.eye(rows, dim, dtype="<f4")
    data = base64.b64encode(values.tobytes()).decode()
    return {"rows": rows, "dim": dim, "dtype": "DATA_TYPE_F32", "data": data, "modelFingerprint": fingerprint}


def test_a_contract_is_released() -> None:
    assert "modalmesh-0.1.0" in [path.stem for path in RELEASED]


async def test_every_method_of_the_gateway_answers_its_callers(caller: ReleasedCaller, contract: Contract) -> None:
    answers = {
        name: await caller.call(f"{RECOMMENDER}.{name}", namespace="shop", **fields) for name, fields in CALLS.items()
    }
    answers["GetStatus"] = await caller.call(f"{RECOMMENDER}.GetStatus")
    assert {name.rpartition(".")[2] for name in contract.methods() if name.startswith(RECOMMENDER)} <= set(answers)
    assert {name: {key: answers[name][key] for key in wanted} for name, wanted in EXPECTED.items()} == EXPECTED
    assert answers["GetItem"]["item"]["title"] == "old mug"
    assert len(answers["ListItems"]["items"]) == 3
    assert [event["itemId"] for event in answers["GetHistory"]["events"]] == ["red-mug"]
    assert answers["GetEmbeddings"]["text"]["dtype"] == "DATA_TYPE_F16"
    assert len(answers["Recommend"]["items"]) == 3
    assert answers["Recommend"]["items"][0]["explanation"]["sentence"]
    assert {item["itemId"] for item in answers["Rank"]["items"]} == {"blue-mug", "lamp"}
    assert answers["SimilarItems"]["items"][0]["itemId"] == "blue-mug"
    assert answers["SearchItems"]["items"][0]["itemId"] == "lamp"
    assert answers["Explain"]["explanations"][0]["words"]
    assert all(service["serving"] for service in answers["GetStatus"]["services"])


async def test_a_refusal_is_read_by_callers_of_any_release(caller: ReleasedCaller) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await caller.call(f"{RECOMMENDER}.Recommend", namespace="shop", userId="ada", k=100_000)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_caller_of_a_later_release_is_answered_as_far_as_this_one_knows(
    caller: ReleasedCaller, contract: Contract
) -> None:
    name = f"{RECOMMENDER}.SearchItems"
    request = contract.request(name, namespace="shop", text="desk lamp", k=1)
    request.MergeFromString(UNKNOWN)
    assert UNKNOWN in request.SerializeToString()
    assert [item["itemId"] for item in (await caller.send(name, request))["items"]] == ["lamp"]


async def test_a_released_gateway_finds_in_todays_ranker_what_it_asks_for(shop: Mesh, contract: Contract) -> None:
    async with grpc.aio.insecure_channel(shop.ranker_server.address) as channel:
        ranker = ReleasedCaller(contract, channel)
        model = (await ranker.call(f"{RANKER}.GetModel"))["model"]
        tokens = [{"itemId": f"item-{row}", "texts": [{"field": "title", "row": row}]} for row in range(2)]
        fused = await ranker.call(f"{RANKER}.Fuse", text=matrix(2, TEXT_DIM, "first"), items=tokens)
        history = [{"itemId": "item-0", "row": 0, "timeMs": "1", "type": "like", "positive": True}]
        asked = {"vectors": fused["vectors"], "history": history, "requestTimeMs": "2"}
        queries = await ranker.call(f"{RANKER}.EncodeUser", **asked)
        proposed = await ranker.call(f"{RANKER}.Propose", history=history, limit=5, requestTimeMs="2")
        candidates = [{"itemId": f"item-{row}", "row": row} for row in range(2)]
        ranked = await ranker.call(f"{RANKER}.Rank", **asked, candidates=candidates)
        explained = await ranker.call(f"{RANKER}.Explain", **asked, candidates=candidates, explain=[1])
    assert (fused["vectors"]["rows"], fused["vectors"]["modelFingerprint"]) == (2, model["fingerprint"])
    assert queries["queries"]["rows"] == len(queries["weights"]) == 1
    assert proposed["items"] == []
    assert ranked["probabilities"][0] > ranked["probabilities"][1]
    assert explained["explanations"][0]["itemId"] == "item-1"


class LaterTextEncoder(GatedTextEncoder):
    """One of a later release: its answers and its model have fields that today's gateway doesn't know."""

    async def Encode(  # noqa: N802 - the contract's name
        self, request: text_pb.TextEncoderEncodeRequest, context: Any
    ) -> text_pb.TextEncoderEncodeResponse:
        response = await super().Encode(request, context)
        for message in (response, response.embeddings, *response.results):
            message.MergeFromString(UNKNOWN)
        return response

    async def GetModel(self, request: Any, context: Any) -> text_pb.TextEncoderGetModelResponse:  # noqa: N802
        response = await super().GetModel(request, context)
        response.model.MergeFromString(UNKNOWN)
        return response


async def test_the_gateway_works_with_an_encoder_of_a_later_release(shop: Mesh) -> None:
    later = LaterTextEncoder()
    await shop.text_server.replace(lambda port: serve_text_encoder(later, port))
    await until_answer(shop.client.status, lambda status: all(each.serving for each in status.services))
    found = await shop.client.search_items("a word that was never searched for: lamp", k=1)
    assert later.encoded
    assert (found.served.degraded, len(found.items)) == (False, 1)


async def test_gateways_of_two_releases_share_a_catalogue(shop: Mesh, caller: ReleasedCaller) -> None:
    """While one is replaced by the other, callers reach both."""
    async with shop.another_gateway() as other:
        await caller.call(f"{RECOMMENDER}.UpsertItems", namespace="shop", items=[{"itemId": "new", "title": "new mug"}])
        await other.until_items(len(SHOP) + 1)
        assert (await other.client.get_item("new")).title == "new mug"
