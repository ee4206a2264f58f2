"""What a gateway answers while Redis is away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from modalmesh.errors import Unavailable
from modalmesh.status import DETAILS_KEY
from modalmesh.types import Item, Lack
from modalmesh.v1 import recommender_service_pb2 as pb
from modalmesh.v1 import types_pb2 as types
from tests.integration.gateway.meshes import Mesh, running_mesh, until_answer
from tests.integration.gateway.shop import SHOP, START_MS, rating
from tests.valkey import ValkeyProcess

LACKS_REDIS = [Lack("redis", "UNAVAILABLE")]
LIKED = [rating("somebody", "red-mug")]
WRITES_AND_STORED_READS = {
    "GetItem": pb.GetItemRequest(namespace="shop", item_id="lamp"),
    "ListItems": pb.ListItemsRequest(namespace="shop"),
    "GetHistory": pb.GetHistoryRequest(namespace="shop", user_id="ada"),
    "DeleteItems": pb.DeleteItemsRequest(namespace="shop", item_ids=["lamp"]),
    "RecordEvents": pb.RecordEventsRequest(
        namespace="shop",
        events=[types.Event(user_id="ada", item_id="lamp", type="view", time_ms=START_MS)],
    ),
    "UpsertItems": pb.UpsertItemsRequest(namespace="shop", items=[types.Item(item_id="new", title="new")]),
    "Rank": pb.RankRequest(namespace="shop", item_ids=["lamp"], user_id="ada"),
    "Explain": pb.ExplainRequest(namespace="shop", item_ids=["lamp"], user_id="ada"),
}


@pytest.fixture
async def cut(fragile_shop: Mesh) -> Mesh:
    """A mesh with a catalogue and some events, whose Redis has just crashed."""
    await fragile_shop.client.record_events([rating("ada", "red-mug"), rating("bob", "lamp"), rating("eve", "lamp")])
    await until_answer(lambda: fragile_shop.client.recommend("new", k=1), lambda answer: answer.items[0].score == 2)
    fragile_shop.valkey.kill()
    await fragile_shop.until_lacking("redis", lacking=True)
    return fragile_shop


async def refusal(call: Awaitable[Any]) -> tuple[grpc.StatusCode, ErrorInfo, RetryInfo]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    details = dict(refused.value.trailing_metadata() or ())[DETAILS_KEY]
    info, retry = ErrorInfo(), RetryInfo()
    assert isinstance(details, bytes)
    for detail in Status.FromString(details).details:
        detail.Unpack(info)
        detail.Unpack(retry)
    return refused.value.code(), info, retry


async def test_recommend_answers_what_is_popular_and_says_so(cut: Mesh) -> None:
    answer = await cut.client.recommend("ada", k=2)
    assert [item.item_id for item in answer.items] == ["lamp", "red-mug"]
    assert (answer.served.served_by, list(answer.served.lacked)) == ("popular", LACKS_REDIS)
    assert answer.items[0].title == "desk lamp"


async def test_similar_items_are_found_in_the_index(cut: Mesh) -> None:
    answer = await cut.client.similar_items("red-mug", k=1, by="image")
    assert [item.item_id for item in answer.items] == ["red-cup"]
    assert list(answer.served.lacked) == LACKS_REDIS


async def test_search_encodes_and_finds_without_a_cache(cut: Mesh) -> None:
    answer = await cut.client.search_items(text="desk lamp", image=b"shining steel", k=1)
    assert [item.item_id for item in answer.items] == ["lamp"]
    assert list(answer.served.lacked) == LACKS_REDIS


async def test_rank_goes_on_with_a_history_in_the_request(cut: Mesh) -> None:
    answer = await cut.client.rank(["lamp", "blue-mug", "none"], history=LIKED)
    assert [item.item_id for item in answer.items] == ["blue-mug", "lamp"]
    assert (answer.served.served_by, answer.unknown, list(answer.served.lacked)) == ("rank", ("none",), LACKS_REDIS)


@pytest.mark.parametrize("method", WRITES_AND_STORED_READS)
async def test_what_needs_the_store_is_unavailable_and_says_when_to_come_back(cut: Mesh, method: str) -> None:
    request = WRITES_AND_STORED_READS[method]
    ask: Callable[..., Awaitable[Any]] = getattr(cut.stub, method)
    code, info, retry = await refusal(ask(iter([request]) if method == "UpsertItems" else request))
    assert code == grpc.StatusCode.UNAVAILABLE
    assert (info.reason, info.metadata["part"]) == ("UNAVAILABLE", "redis")
    assert retry.retry_delay.ToMilliseconds() > 0


async def test_embeddings_are_unavailable(cut: Mesh) -> None:
    responses = cut.stub.GetEmbeddings(pb.GetEmbeddingsRequest(namespace="shop"))
    code, info, _ = await refusal(responses.read())
    assert (code, info.metadata["part"]) == (grpc.StatusCode.UNAVAILABLE, "redis")


async def test_status_says_that_the_store_is_gone_and_still_counts_the_index(cut: Mesh) -> None:
    status = await cut.client.status()
    assert (status.store.reachable, [each.items for each in status.namespaces]) == (False, [len(SHOP)])


async def test_when_it_is_back_so_is_everything_that_was_acknowledged(cut: Mesh) -> None:
    cut.valkey.start()
    await cut.until_lacking("redis", lacking=False)
    answer = await cut.client.recommend("ada", k=10)
    assert (answer.served.served_by, answer.served.lacked) == ("rank", ())
    assert {item.item_id for item in answer.items} == {item.item_id for item in SHOP} - {"red-mug"}
    assert (await cut.client.get_item("lamp")).title == "desk lamp"
    assert (await cut.client.upsert_items([Item("new", "new lamp")])).created == 1


async def test_a_client_waits_for_a_short_outage_and_never_sees_it(cut: Mesh) -> None:
    writing = asyncio.create_task(cut.client.upsert_items([Item("new", "new lamp")], timeout=10.0))
    cut.valkey.start()
    assert (await writing).created == 1


async def test_a_redis_that_was_emptied_meanwhile_empties_the_index(cut: Mesh) -> None:
    cut.valkey.start()
    cut.valkey.command("FLUSHALL")
    await cut.until_items(0)
    await cut.client.upsert_items([Item("new", "new lamp")])
    found = await cut.client.search_items(text="lamp", k=10)
    assert [item.item_id for item in found.items] == ["new"]


async def test_a_redis_that_hangs_makes_answers_slower_but_not_wrong(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    shop.valkey.command("CLIENT PAUSE 1500 ALL")
    answer = await shop.client.recommend("ada", k=3, timeout=5.0)
    assert (answer.served.served_by, list(answer.served.lacked)) == ("popular", LACKS_REDIS)
    assert len(answer.items) == 3


async def test_without_redis_at_the_start_a_gateway_serves_and_says_what_it_lacks(own_valkey: ValkeyProcess) -> None:
    own_valkey.kill()
    async with running_mesh(own_valkey) as mesh:
        with pytest.raises(Unavailable) as refused:
            await mesh.client.recommend("ada", timeout=0.5)
        assert refused.value.part == "redis"
        assert not (await mesh.client.status()).store.reachable
        own_valkey.start()
        assert (await mesh.client.upsert_items(SHOP)).created == len(SHOP)
        assert (await mesh.client.recommend("ada", k=10)).served.lacked == ()


async def test_a_catalogue_from_before_is_there_once_redis_is(fragile_shop: Mesh) -> None:
    fragile_shop.valkey.kill()
    async with fragile_shop.another_gateway() as replica:
        assert (await replica.client.status()).namespaces == ()
        fragile_shop.valkey.start()
        await replica.until_items(len(SHOP))
        answer = await replica.client.similar_items("red-mug", k=1, by="image")
    assert ([item.item_id for item in answer.items], answer.served.lacked) == (["red-cup"], ())
