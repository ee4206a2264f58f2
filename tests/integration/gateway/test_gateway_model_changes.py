"""Encoders and rankers are replaced while the mesh serves: two models' vectors never meet in an answer."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from modalmesh.errors import Unavailable
from modalmesh.types import Item, Lack, Picture, RankedItems, SimilarBy
from modalmesh_services.common.server import MeshServer
from tests.integration.gateway.meshes import (
    RANKER_CONFIG,
    GatedRanker,
    Mesh,
    Replica,
    running_mesh,
    serve_ranker,
    until,
    until_answer,
)
from tests.integration.gateway.shop import LAMP, SHOP, rating
from tests.valkey import ValkeyProcess

NEW_CONFIG = replace(RANKER_CONFIG, bias=-1.0)


def ids(answer: RankedItems) -> list[str]:
    return [item.item_id for item in answer.items]


async def serve_new_ranker(port: int) -> MeshServer:
    return await serve_ranker(GatedRanker(NEW_CONFIG), port)


def twins(number: int) -> list[Item]:
    """Pairs of the same title: within one model's space the two are as close as can be, between two they aren't."""
    return [Item(f"{side}{n}", f"title of {n}") for n in range(number) for side in ("left", "right")]


async def text_fingerprints(replica: Replica) -> set[str]:
    return {each.text_model.fingerprint async for each in replica.client.get_embeddings() if len(each.text)}


async def assert_twins(replica: Replica, numbers: Sequence[int], by: SimilarBy = "text") -> None:
    for number in numbers:
        answer = await replica.client.similar_items(f"left{number}", k=3, by=by)
        assert ids(answer)[0] == f"right{number}"
        assert answer.items[0].score == pytest.approx(1.0, abs=1e-2)
        assert len(answer.items) == 3


async def test_a_new_text_model_takes_over_by_itself(shop: Mesh) -> None:
    shop.text.fingerprint = "second"
    await until_answer(lambda: text_fingerprints(shop), lambda found: found == {"second"})
    await shop.until_completed()
    found = await shop.client.search_items(text="desk lamp", k=1)
    assert (ids(found), found.served.lacked) == (["lamp"], ())
    assert found.items[0].score == pytest.approx(1.0, abs=1e-2)
    assert (await shop.client.get_item("lamp")).revision == 1


async def test_the_old_models_vectors_serve_until_the_new_ones_are_complete(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    before = await shop.client.similar_items("red-mug", k=10, by="text")
    shop.text.gate.shut()
    shop.text.fingerprint = "second"
    await until(lambda: shop.text.gate.waiting)
    during = await shop.client.similar_items("red-mug", k=10, by="text")
    recommended = await shop.client.recommend("ada", k=10)
    assert [(item.item_id, item.score) for item in during.items] == [
        (item.item_id, item.score) for item in before.items
    ]
    assert (recommended.served.served_by, len(recommended.items)) == ("rank", 5)
    shop.text.gate.open()
    await until_answer(
        lambda: shop.client.similar_items("red-mug", k=10, by="text"),
        lambda answer: [item.score for item in answer.items] != [item.score for item in before.items],
    )


async def test_no_answer_mixes_two_models_while_they_change(mesh: Mesh) -> None:
    await mesh.client.upsert_items(twins(150))
    mesh.text.fingerprint = "second"
    while await text_fingerprints(mesh) != {"second"}:
        await assert_twins(mesh, [0, 75, 149])
        await assert_twins(mesh, [0, 149], by="fused")
    await mesh.until_completed()
    await assert_twins(mesh, range(0, 150, 30))
    await assert_twins(mesh, range(0, 150, 30), by="fused")


async def test_an_item_that_comes_during_the_change_is_not_compared_with_the_old_vectors(mesh: Mesh) -> None:
    await mesh.client.upsert_items(twins(5))
    mesh.image.fingerprint = "second"
    await mesh.client.status()
    await mesh.client.upsert_items([Item("new", "title", pictures=[Picture(b"new look")])])
    await mesh.until_completed()
    mesh.text.gate.shut()
    mesh.text.fingerprint = "second"
    await until(lambda: mesh.text.gate.waiting)
    answer = await mesh.client.similar_items("left0", k=20, by="text")
    assert (ids(answer)[0], len(answer.items)) == ("right0", 10)
    mesh.text.gate.open()


async def test_pictures_are_encoded_by_the_new_model_when_they_are_sent_again(shop: Mesh) -> None:
    shop.image.fingerprint = "second"
    await shop.client.status()
    summary = await shop.client.upsert_items(SHOP)
    found = await shop.client.search_items(image=b"shining steel", k=1)
    assert (summary.updated, summary.unchanged, summary.encoded_texts) == (5, 1, 0)
    assert ids(found) == ["lamp"]
    assert found.items[0].score == pytest.approx(1.0, abs=1e-2)
    assert (await shop.client.upsert_items(SHOP)).unchanged == len(SHOP)


async def test_until_half_the_pictures_are_sent_again_the_old_ones_serve(shop: Mesh) -> None:
    shop.image.fingerprint = "second"
    await shop.client.status()
    await shop.client.upsert_items([LAMP])
    answer = await shop.client.similar_items("red-mug", k=10, by="image")
    assert ids(answer)[0] == "red-cup"
    assert answer.items[0].score == pytest.approx(1.0, abs=1e-2)


async def test_search_finds_what_the_new_model_knows_and_says_that_there_is_more(shop: Mesh) -> None:
    shop.image.fingerprint = "second"
    await shop.client.status()
    nothing = await shop.client.search_items(image=b"red stripes", k=10)
    await shop.client.upsert_items([LAMP])
    something = await shop.client.search_items(image=b"red stripes", k=10)
    await shop.client.upsert_items(SHOP)
    everything = await until_answer(
        lambda: shop.client.search_items(image=b"red stripes", k=10), lambda answer: not answer.served.degraded
    )
    assert (nothing.items, list(nothing.served.lacked)) == ((), [Lack("image", "NO_VECTOR")])
    assert (ids(something), list(something.served.lacked)) == (["lamp"], [Lack("image", "MODEL_CHANGING")])
    assert len(everything.items) == 5


async def test_what_was_cached_by_one_model_is_never_taken_for_anothers(shop: Mesh) -> None:
    shop.text.fingerprint = "second"
    await shop.client.status()
    shop.text.encoded.clear()
    await shop.client.search_items(text="red mug for tea")
    shop.text.fingerprint = "first"
    await shop.client.status()
    assert "red mug for tea" in shop.text.encoded
    found = await until_answer(
        lambda: shop.client.search_items(text="red mug for tea", k=1), lambda answer: ids(answer) == ["red-mug"]
    )
    assert found.items[0].score == pytest.approx(1.0, abs=1e-2)


async def test_back_to_the_model_before_costs_no_encoding(shop: Mesh) -> None:
    shop.text.fingerprint = "second"
    await until_answer(lambda: text_fingerprints(shop), lambda found: found == {"second"})
    shop.text.encoded.clear()
    shop.text.fingerprint = "first"
    await until_answer(lambda: text_fingerprints(shop), lambda found: found == {"first"})
    assert shop.text.encoded == []


async def test_a_new_ranker_takes_over_when_everything_is_fused_for_it(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    await shop.ranker_server.replace(serve_new_ranker)
    answer = await until_answer(
        lambda: shop.client.recommend("ada", k=10),
        lambda answer: answer.served.ranker_revision == NEW_CONFIG.revision,
    )
    await shop.until_completed()
    assert (answer.served.served_by, len(answer.items)) == ("rank", 5)


async def test_until_everything_is_fused_for_a_new_ranker_retrieval_serves_the_old_vectors(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    ranker = GatedRanker(NEW_CONFIG)
    ranker.fuse_gate.shut()
    await shop.ranker_server.replace(lambda port: serve_ranker(ranker, port))
    await until(lambda: ranker.fuse_gate.waiting)
    answer = await shop.client.recommend("ada", k=10, explain=True)
    similar = await shop.client.similar_items("red-mug", k=10)
    with pytest.raises(Unavailable) as refused:
        await shop.client.explain("ada", ["lamp"], timeout=0.9)
    assert (answer.served.served_by, len(answer.items), len(similar.items)) == ("retrieval", 5, 5)
    assert {lack.part for lack in answer.served.lacked} == {"fusion-ranker"}
    assert refused.value.part == "fusion-ranker"
    ranker.fuse_gate.open()
    await until_answer(lambda: shop.client.recommend("ada", k=1), lambda answer: not answer.served.degraded)


async def test_no_answer_mixes_two_rankers_while_they_change(mesh: Mesh) -> None:
    await mesh.client.upsert_items(twins(150))
    await mesh.client.record_events([rating("ada", "left0")])
    await mesh.ranker_server.replace(serve_new_ranker)
    served = ""
    while served != NEW_CONFIG.revision:
        answer = await mesh.client.recommend("ada", k=5)
        served = answer.served.ranker_revision
        assert (ids(answer)[0], len(answer.items)) == ("right0", 5)
        assert served in (RANKER_CONFIG.revision, NEW_CONFIG.revision) or answer.served.served_by == "retrieval"


async def test_a_text_model_of_another_dim_is_served_without_the_ranker_that_cannot_take_it(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    shop.text.fingerprint, shop.text.dim = "wider", 40
    await until_answer(lambda: text_fingerprints(shop), lambda found: found == {"wider"})
    summary = await shop.client.upsert_items([Item("new-mug", "new red mug")])
    found = await shop.client.search_items(text="new red mug", k=1)
    answer = await shop.client.recommend("ada", k=10)
    assert (summary.created, ids(found)) == (1, ["new-mug"])
    assert set(ids(answer)) >= {"blue-mug", "red-cup", "lamp", "bulb", "poster"}


async def test_an_encoder_of_another_dim_under_the_same_fingerprint_is_not_believed(shop: Mesh) -> None:
    shop.text.dim = 40
    await shop.client.upsert_items([Item("new-mug", "new red mug")])
    for answer in (
        await shop.client.similar_items("red-mug", k=10, by="text"),
        await shop.client.search_items(text="desk lamp", k=10),
        await shop.client.recommend("ada", k=10),
    ):
        assert len(answer.items) >= 3
    assert {each.text.shape[1] async for each in shop.client.get_embeddings() if len(each.text)} == {24}


async def test_a_change_goes_on_in_a_gateway_that_starts_in_its_middle(valkey: ValkeyProcess) -> None:
    async with running_mesh(valkey) as mesh:
        await mesh.client.upsert_items(SHOP)
        mesh.text.gate.shut()
        mesh.text.fingerprint = "second"
        async with mesh.another_gateway() as replica:
            await replica.until_items(len(SHOP))
            assert ids(await replica.client.similar_items("red-mug", k=1, by="text")) == ["blue-mug"]
            mesh.text.gate.open()
            await until_answer(lambda: text_fingerprints(replica), lambda found: found == {"second"})
            assert ids(await replica.client.similar_items("red-mug", k=1, by="text")) == ["blue-mug"]
