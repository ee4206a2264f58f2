from modalmesh import __version__
from modalmesh.types import Item
from tests.integration.gateway.meshes import Mesh, running_mesh, until_answer
from tests.integration.gateway.shop import SHOP, rating
from tests.valkey import ValkeyProcess


async def test_every_part_is_shown_with_the_model_that_it_serves(mesh: Mesh) -> None:
    status = await mesh.client.status()
    assert status.version == __version__
    assert [service.name for service in status.services] == ["text-encoder", "image-encoder", "fusion-ranker"]
    assert [service.address for service in status.services] == [
        mesh.text_server.address,
        mesh.image_server.address,
        mesh.ranker_server.address,
    ]
    assert all(service.serving and service.model and not service.reason for service in status.services)


async def test_a_part_that_went_is_not_serving_says_why_and_keeps_its_model(mesh: Mesh) -> None:
    await mesh.text_server.stop()
    text, image, _ = (await mesh.client.status()).services
    assert (text.serving, image.serving) == (False, True)
    assert "text-encoder" in text.reason
    assert text.model is not None


async def test_a_part_that_hangs_does_not_hang_the_status(mesh: Mesh) -> None:
    mesh.valkey.command("CLIENT PAUSE 1500 ALL")
    status = await mesh.client.status(timeout=5.0)
    assert not status.store.reachable
    assert [service.serving for service in status.services] == [True, True, True]


async def test_the_store_says_how_safe_an_acknowledged_write_is(mesh: Mesh) -> None:
    store = (await mesh.client.status()).store
    assert (store.reachable, store.durability, store.durable) == (True, "fsync-always", True)
    assert store.version.startswith("valkey ")
    assert store.used_memory_bytes > 0


async def test_a_catalogue_is_counted(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "lamp"), rating("ada", "bulb", 1.0)])
    status = await until_answer(shop.client.status, lambda status: status.namespaces[0].events == 2)
    (found,) = status.namespaces
    assert (found.namespace, found.items, found.with_text, found.with_image) == ("shop", len(SHOP), 5, 5)
    assert (found.pending, found.index_age_ms < 2000, found.loading) == (0, True, False)


async def test_what_was_encoded_and_what_the_cache_gave_is_counted(valkey: ValkeyProcess) -> None:
    async with running_mesh(valkey) as mesh:
        await mesh.client.upsert_items([Item("a", "same"), Item("b", "other")])
        await mesh.client.upsert_items([Item("c", "same"), Item("d", "third")])
        cache = (await mesh.client.status()).cache
    assert (cache.encoded_texts, cache.encoded_images, cache.hits, cache.misses) == (3, 0, 1, 3)
