"""A trace of one request through gateway, services and Redis, over real gRPC and a real Valkey."""

from collections.abc import AsyncIterator

import grpc
import pytest

from modalmesh.errors import ModalmeshError
from modalmesh.v1 import recommender_service_pb2 as pb
from tests.integration.gateway.meshes import Mesh, running_mesh
from tests.integration.gateway.shop import RED_MUG, SHOP, rating
from tests.integration.gateway.traces import Spans, deadline_left, is_child, traced
from tests.valkey import ValkeyProcess

GATEWAY = "modalmesh.v1.Recommender"
RANKER = "modalmesh.v1.FusionRanker"
PARENT = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


@pytest.fixture
async def spans() -> AsyncIterator[Spans]:
    with traced() as spans:
        yield spans


@pytest.fixture
async def shop(spans: Spans, valkey: ValkeyProcess) -> AsyncIterator[Mesh]:
    """With somebody who liked something."""
    async with running_mesh(valkey) as mesh:
        await mesh.client.upsert_items(SHOP)
        await mesh.client.record_events([rating("ada", RED_MUG.item_id)])
        spans.clear()
        yield mesh


async def test_a_search_is_seen_at_both_encoders_with_less_time_left_at_each_hop(spans: Spans, shop: Mesh) -> None:
    await shop.client.search_items("red tea", b"blue", timeout=5.0)
    root = spans.one(f"{GATEWAY}/SearchItems", "SERVER")
    for service in ("TextEncoder", "ImageEncoder"):
        hop = spans.one(f"modalmesh.v1.{service}/Encode", "CLIENT")
        served = spans.one(f"modalmesh.v1.{service}/Encode", "SERVER")
        assert is_child(hop, root)
        assert is_child(served, hop)
        # gRPC's header gives a time-out to a hundredth of it.
        assert 5050 >= deadline_left(root) > deadline_left(hop) > deadline_left(served) / 1.01 > 0


async def test_a_recommendation_is_one_trace_with_its_round_trips_to_redis(spans: Spans, shop: Mesh) -> None:
    await shop.client.recommend("ada", timeout=5.0)
    root = spans.one(f"{GATEWAY}/Recommend", "SERVER")
    redis = [span for span in spans.all() if span.name.startswith("redis ")]
    assert redis
    assert all(is_child(span, root) for span in redis)
    assert all(deadline_left(span) < deadline_left(root) for span in redis)
    for method in ("EncodeUser", "Propose", "Rank"):
        served = spans.one(f"{RANKER}/{method}", "SERVER")
        assert is_child(served, spans.one(f"{RANKER}/{method}", "CLIENT"))
        assert {"modalmesh.queue_ms", "modalmesh.device_ms"} <= set(served.attributes or {})
    assert len({span.context.trace_id for span in spans.all()}) == 1


async def test_a_callers_own_trace_goes_on(spans: Spans, shop: Mesh) -> None:
    await shop.stub.SimilarItems(
        pb.SimilarItemsRequest(namespace="shop", item_id=RED_MUG.item_id, k=1),
        metadata=(PARENT, ("x-request-id", "r1")),
    )
    root = spans.one(f"{GATEWAY}/SimilarItems", "SERVER")
    assert f"{root.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert root.parent is not None
    assert f"{root.parent.span_id:016x}" == "b7ad6b7169203331"
    assert (root.attributes or {})["modalmesh.request_id"] == "r1"
    assert "modalmesh.deadline_left_ms" not in (root.attributes or {})


async def test_a_request_keeps_its_id_at_every_hop(spans: Spans, shop: Mesh) -> None:
    request = pb.RecommendRequest(namespace="shop", user_id="ada", k=3)
    await shop.stub.Recommend(request, metadata=(("x-request-id", "order-7"),))
    served = [span for span in spans.all() if span.kind.name == "SERVER"]
    assert {span.name for span in served} >= {f"{GATEWAY}/Recommend", f"{RANKER}/Rank"}
    assert {(span.attributes or {})["modalmesh.request_id"] for span in served} == {"order-7"}


async def test_a_hop_that_failed_says_so_and_how(spans: Spans, shop: Mesh) -> None:
    await shop.text_server.stop()
    with pytest.raises(ModalmeshError):
        await shop.client.search_items("a secret wish", timeout=1.0)
    hop = spans.of("modalmesh.v1.TextEncoder/Encode", "CLIENT")[0]
    assert (hop.status.status_code.name, (hop.attributes or {})["error.type"]) == ("ERROR", "UNAVAILABLE")
    root = spans.of(f"{GATEWAY}/SearchItems", "SERVER")[0]
    assert (root.attributes or {})["rpc.response.status_code"] == "UNAVAILABLE"
    assert "secret" not in "".join(span.to_json() for span in spans.all())


async def test_what_users_ask_is_in_no_span(spans: Spans, shop: Mesh) -> None:
    await shop.client.search_items("a secret wish")
    await shop.client.recommend("a secret user")
    with pytest.raises(grpc.aio.AioRpcError):
        await shop.stub.GetItem(pb.GetItemRequest(namespace="shop", item_id="a secret thing"))
    told = "".join(span.to_json() for span in spans.all())
    assert "secret" not in told


async def test_work_of_nobodys_makes_no_spans(spans: Spans, shop: Mesh) -> None:
    await shop.client.status()
    spans.clear()
    async with shop.another_gateway() as other:
        await other.until_items(len(SHOP))
        assert {span.name for span in spans.all() if span.parent is None} == {f"{GATEWAY}/GetStatus"}
