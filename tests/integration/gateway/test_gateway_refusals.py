"""Bad input at the gateway's door, by the bare contract: each refusal names field and reason, and the rest goes in."""

from dataclasses import dataclass
from typing import Any

import pytest

from modalmesh.errors import InvalidInput, NotFound, TooLarge
from modalmesh.types import Event, Item
from modalmesh.v1 import recommender_service_pb2 as pb
from modalmesh.v1 import types_pb2
from tests.integration.encoder_servers import refusal
from tests.integration.gateway.meshes import Mesh
from tests.integration.gateway.shop import RED_MUG, START_MS

METHODS = {
    "GetItem": pb.GetItemRequest(item_id="red-mug"),
    "ListItems": pb.ListItemsRequest(),
    "DeleteItems": pb.DeleteItemsRequest(item_ids=["red-mug"]),
    "RecordEvents": pb.RecordEventsRequest(events=[types_pb2.Event(user_id="ada", item_id="red-mug", type="view")]),
    "GetHistory": pb.GetHistoryRequest(user_id="ada"),
    "GetEmbeddings": pb.GetEmbeddingsRequest(),
    "Recommend": pb.RecommendRequest(user_id="ada", k=3),
    "Rank": pb.RankRequest(user_id="ada", item_ids=["red-mug"]),
    "SimilarItems": pb.SimilarItemsRequest(item_id="red-mug", k=3),
    "SearchItems": pb.SearchItemsRequest(text="mug", k=3),
    "Explain": pb.ExplainRequest(user_id="ada", item_ids=["red-mug"]),
}
LONG, MINUS_ONE = "x" * 1_000_000, 2**32 - 1
BEFORE_1970 = types_pb2.Event(user_id="ada", item_id="lamp", type="view", time_ms=-1)


async def answer(mesh: Mesh, method: str, request: Any) -> Any:
    """What one call is answered, of a stream the first message."""
    call = getattr(mesh.stub, method)(request)
    return await (call.read() if method == "GetEmbeddings" else call)


async def upsert(mesh: Mesh, *chunks: list[types_pb2.Item]) -> pb.UpsertItemsResponse:
    requests = iter([pb.UpsertItemsRequest(namespace="shop", items=items) for items in chunks])
    response: pb.UpsertItemsResponse = await mesh.stub.UpsertItems(requests)
    return response


@dataclass(frozen=True)
class Bad:
    """`wrong` replaces fields of a good request; the refusal names `field` and `reason`."""

    method: str
    wrong: dict[str, Any]
    field: str
    reason: str


BAD_REQUESTS = [
    *(
        Bad(method, {"k": k}, "k", "OUT_OF_RANGE")
        for method in ("Recommend", "SimilarItems", "SearchItems")
        for k in (0, MINUS_ONE, 1_000_000)
    ),
    Bad("ListItems", {"page_size": 1001}, "page_size", "OUT_OF_RANGE"),
    Bad("ListItems", {"page_token": "AAAA"}, "page_token", "INVALID_PAGE_TOKEN"),
    Bad("GetItem", {"item_id": ""}, "item_id", "EMPTY"),
    Bad("GetItem", {"item_id": LONG}, "item_id", "TOO_LARGE"),
    Bad("GetHistory", {"user_id": "ada\n"}, "user_id", "CONTROL_CHARACTERS"),
    Bad("Recommend", {"user_id": ""}, "user_id", "EMPTY"),
    Bad("SimilarItems", {"item_id": "\x7f"}, "item_id", "CONTROL_CHARACTERS"),
    Bad("DeleteItems", {"item_ids": []}, "item_ids", "EMPTY"),
    Bad("DeleteItems", {"item_ids": ["lamp", ""]}, "item_ids[1]", "EMPTY"),
    Bad("Rank", {"item_ids": []}, "item_ids", "EMPTY"),
    Bad("Rank", {"item_ids": [str(number) for number in range(1001)]}, "item_ids", "TOO_LARGE"),
    Bad("Rank", {"item_ids": ["lamp", "lamp"]}, "item_ids", "DUPLICATE_ID"),
    Bad("Rank", {"user_id": ""}, "user_id", "EMPTY"),
    Bad("Rank", {"user_id": "", "history": [BEFORE_1970]}, "history[0].time_ms", "NEGATIVE_TIME"),
    Bad("Rank", {"user_id": "", "history": [BEFORE_1970] * 501}, "history", "TOO_LARGE"),
    Bad("Explain", {"item_ids": [str(number) for number in range(101)]}, "item_ids", "TOO_LARGE"),
    Bad("RecordEvents", {"events": []}, "events", "EMPTY"),
    Bad("RecordEvents", {"events": [BEFORE_1970] * 10_001}, "events", "TOO_LARGE"),
    Bad("SearchItems", {"text": " "}, "text", "EMPTY"),
    Bad("SearchItems", {"text": "x" * 10_000_000}, "text", "TOO_LARGE"),
    Bad("GetEmbeddings", {"dtype": 9}, "dtype", "WRONG_DTYPE"),
]


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: f"{bad.method}-{bad.field}-{bad.reason}")
async def test_a_bad_request_is_refused_by_its_field_and_reason(shop: Mesh, bad: Bad) -> None:
    request = type(METHODS[bad.method])()
    request.CopyFrom(METHODS[bad.method])
    for name in bad.wrong:
        request.ClearField(name)
    request.MergeFrom(type(request)(namespace="shop", **bad.wrong))
    error = await refusal(answer(shop, bad.method, request))
    assert isinstance(error, InvalidInput)
    assert (error.field, error.reason) == (bad.field, bad.reason)


@pytest.mark.parametrize("k", [0, -1, 1001, 1_000_000, 2**40])
async def test_k_outside_its_range_is_named_to_a_client_also_where_no_message_holds_it(shop: Mesh, k: int) -> None:
    client = shop.client
    for call in (client.recommend("ada", k=k), client.similar_items("lamp", k=k), client.search_items(text="mug", k=k)):
        with pytest.raises(InvalidInput, match=f"k: must be 1 to 1000, got {k}") as refused:
            await call
        assert (refused.value.field, refused.value.reason) == ("k", "OUT_OF_RANGE")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("namespace", "kind"), [("nowhere", NotFound), ("No Such!", InvalidInput), ("", InvalidInput)])
async def test_an_unknown_namespace_is_named_by_every_method(
    mesh: Mesh, method: str, namespace: str, kind: type[Exception]
) -> None:
    request = type(METHODS[method])(namespace=namespace)
    request.MergeFrom(METHODS[method])
    error = await refusal(answer(mesh, method, request))
    assert isinstance(error, kind)
    assert "namespace" in error.message


async def test_a_stream_to_what_is_no_namespace_is_refused(mesh: Mesh) -> None:
    error = await refusal(mesh.stub.UpsertItems(iter([pb.UpsertItemsRequest(namespace="../x")])))
    assert isinstance(error, InvalidInput)
    assert (error.field, error.reason) == ("namespace", "INVALID_NAMESPACE")


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [([], "EMPTY"), ([[]], "EMPTY"), ([[types_pb2.Item(item_id="a")] * 10_001], "TOO_LARGE")],
    ids=["no chunk", "empty chunk", "too many items"],
)
async def test_an_empty_stream_and_a_chunk_over_the_limit_are_refused(
    mesh: Mesh, chunks: list[list[types_pb2.Item]], reason: str
) -> None:
    error = await refusal(upsert(mesh, *chunks))
    assert isinstance(error, InvalidInput)
    assert (error.field, error.reason) == ("items", reason)


async def test_bad_items_between_good_ones_are_listed_with_their_place_in_the_stream(mesh: Mesh) -> None:
    first = [types_pb2.Item(item_id="a", title="one"), types_pb2.Item(item_id=LONG, title="two")]
    second = [types_pb2.Item(item_id="a\n", title="three"), types_pb2.Item(item_id="b", title="x" * 10_000_000)]
    third = [types_pb2.Item(item_id="a", title="again"), types_pb2.Item(item_id="c"), types_pb2.Item(title="six")]
    response = await upsert(mesh, first, second, third, [types_pb2.Item(item_id="d", title="eight")])
    assert (response.created, response.refused_count) == (2, 6)
    assert [(each.position, each.id, each.field, each.reason) for each in response.refused] == [
        (1, "", "item_id", "TOO_LARGE"),
        (2, "", "item_id", "CONTROL_CHARACTERS"),
        (3, "b", "title", "TOO_LARGE"),
        (4, "a", "item_id", "DUPLICATE_ID"),
        (5, "c", "item", "NO_MODALITY"),
        (6, "", "item_id", "EMPTY"),
    ]


async def test_more_than_a_thousand_refusals_are_all_counted(mesh: Mesh) -> None:
    response = await upsert(mesh, [types_pb2.Item(item_id=str(number)) for number in range(1500)])
    assert (len(response.refused), response.refused_count, response.created) == (1000, 1500, 0)


async def test_bad_events_between_good_ones_are_listed_and_the_others_recorded(shop: Mesh) -> None:
    good = Event("ada", "lamp", START_MS, "view")
    bad = {
        "item_id": Event("ada", "nothing", START_MS, "view"),
        "user_id": Event("", "lamp", START_MS, "view"),
        "time_ms": Event("ada", "lamp", -1, "view"),
        "value": Event("ada", "lamp", START_MS, "rating", float("nan")),
        "type": Event("ada", "lamp", START_MS, "No Type"),
    }
    future = Event("ada", "lamp", 32_503_680_000_000, "view", event_id="late")
    summary = await shop.client.record_events([good, *bad.values(), future])
    told = {each.position: (each.id, each.field, each.reason) for each in summary.refused}
    reasons = ("UNKNOWN_ITEM", "EMPTY", "NEGATIVE_TIME", "NOT_FINITE", "INVALID")
    expected = [("", field, reason) for field, reason in zip(bad, reasons, strict=True)]
    assert summary.recorded == 1
    assert told == dict(enumerate([*expected, ("late", "time_ms", "FUTURE_TIME")], start=1))


async def test_an_event_is_what_makes_a_user_known(shop: Mesh) -> None:
    before = await shop.client.get_history("newcomer")
    summary = await shop.client.record_events([Event("newcomer", "lamp", START_MS, "view")])
    after = await shop.client.get_history("newcomer")
    assert (before.events, summary.recorded, summary.refused) == ((), 1, ())
    assert [event.item_id for event in after.events] == ["lamp"]


async def test_a_message_over_the_limit_is_refused_and_the_gateway_serves_on(shop: Mesh) -> None:
    request = pb.SearchItemsRequest(namespace="shop", image=bytes(65 * 1024 * 1024), k=1)
    error = await refusal(shop.stub.SearchItems(request))
    assert isinstance(error, TooLarge)
    assert "larger than max" in error.message
    assert (await shop.client.get_item("lamp")).title == "desk lamp"


async def test_an_item_that_no_message_holds_is_refused_alone(mesh: Mesh) -> None:
    summary = await mesh.client.upsert_items([RED_MUG, Item("huge", "x" * (65 * 1024 * 1024)), Item("b", "blue")])
    (refused,) = summary.refused
    assert (summary.created, refused.position, refused.id, refused.reason) == (2, 1, "huge", "TOO_LARGE")
    assert "fit into a message" in refused.message
