"""What Prometheus sees of a gateway over real services and a real Valkey."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from modalmesh.errors import Unavailable
from modalmesh.types import Item
from modalmesh_gateway.bootstrap import Gateway
from tests.integration.gateway.meshes import Mesh
from tests.integration.gateway.shop import RED_MUG, SHOP, rating


def shown(gateway: Gateway) -> dict[str, float]:
    """Every sample by its name and labels, without the common prefix."""
    registry = CollectorRegistry()
    registry.register(gateway.metrics)
    lines = generate_latest(registry).decode().splitlines()
    samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name.removeprefix("modalmesh_gateway_"): float(value) for name, _, value in samples}


async def until_shown(gateway: Gateway, name: str, value: float) -> None:
    async with asyncio.timeout(10):
        while shown(gateway)[name] != value:
            await asyncio.sleep(0.02)


async def test_contents_are_misses_once_and_hits_ever_after(shop: Mesh) -> None:
    before = shown(shop.gateway)
    assert before['cache_misses_total{modality="text"}'] > 0
    assert before['encoded_total{modality="image"}'] == len({pictures for item in SHOP for pictures in item.pictures})
    await shop.client.search_items("red mug for tea")
    await shop.client.search_items("red mug for tea")
    after = shown(shop.gateway)
    assert after['cache_hits_total{modality="text"}'] >= before['cache_hits_total{modality="text"}'] + 1
    assert after['cache_misses_total{modality="text"}'] <= before['cache_misses_total{modality="text"}'] + 1


async def test_the_index_shows_its_items_their_age_and_what_waits(shop: Mesh) -> None:
    samples = shown(shop.gateway)
    assert samples['index_items{namespace="shop"}'] == len(SHOP)
    assert samples['pending_items{namespace="shop"}'] == 0
    assert 0 <= samples['index_age_seconds{namespace="shop"}'] < 30
    await shop.text_server.stop()
    await shop.client.upsert_items([Item("new", "a new thing")])
    await until_shown(shop.gateway, 'pending_items{namespace="shop"}', 1)
    await shop.client.delete_items(["new"])
    await until_shown(shop.gateway, 'pending_items{namespace="shop"}', 0)


async def test_an_answer_is_counted_by_what_it_lacked(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", RED_MUG.item_id)])
    await shop.client.recommend("ada")
    assert shown(shop.gateway)['degraded_total{lacked="fusion-ranker"}'] == 0
    await shop.ranker_server.stop()
    await shop.client.recommend("ada")
    assert shown(shop.gateway)['degraded_total{lacked="fusion-ranker"}'] == 1
    assert shown(shop.gateway)['degraded_total{lacked="redis"}'] == 0


async def test_a_part_is_up_until_it_stops(shop: Mesh) -> None:
    assert shown(shop.gateway)['part_up{part="image-encoder"}'] == 1
    await shop.image_server.stop()
    await until_shown(shop.gateway, 'part_up{part="image-encoder"}', 0)
    assert shown(shop.gateway)['part_up{part="text-encoder"}'] == 1


async def test_redis_is_up_until_it_dies_and_its_round_trips_are_timed(fragile_shop: Mesh) -> None:
    samples = shown(fragile_shop.gateway)
    assert samples['redis_up{keeps="records"}'] == 1
    assert samples['redis_seconds_count{keeps="records"}'] > 0
    # Those that wait for news take half a second.
    assert samples['redis_seconds_sum{keeps="records"}'] / samples['redis_seconds_count{keeps="records"}'] < 0.2
    fragile_shop.valkey.kill()
    await until_shown(fragile_shop.gateway, 'redis_up{keeps="records"}', 0)
    with pytest.raises(Unavailable):
        await fragile_shop.client.get_history("ada", timeout=0.5)
    assert shown(fragile_shop.gateway)['redis_failures_total{keeps="records"}'] > 0
    fragile_shop.valkey.start()
    await until_shown(fragile_shop.gateway, 'redis_up{keeps="records"}', 1)
