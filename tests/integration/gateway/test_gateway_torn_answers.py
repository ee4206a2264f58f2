"""Encoders and rankers that answer what can't be, or serve another model than before: no caller is to blame for it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from modalmesh.errors import Unavailable
from modalmesh.types import Item, Status
from modalmesh.v1 import fusion_ranker_service_pb2 as ranker_pb
from modalmesh.v1 import types_pb2 as pb
from modalmesh_gateway.content import text_hash
from modalmesh_gateway.store import EmbeddingKey
from modalmesh_services.fusion_ranker.models.zero_shot import ZeroShotConfig
from tests.fakes import IMAGE_DIM, TEXT_DIM, FakeEncoder
from tests.integration.gateway.meshes import RANKER_CONFIG, GatedRanker, Mesh, Replica, serve_ranker, until_answer
from tests.integration.gateway.shop import POSTER, RED_MUG, SHOP, rating

Answer = tuple[pb.EmbeddingMatrix, list[pb.InputResult]]
Spoil = Callable[[pb.EmbeddingMatrix, list[pb.InputResult]], object]


def hold(number: float) -> Spoil:
    return lambda matrix, _: setattr(
        matrix, "data", np.full(matrix.rows * matrix.dim, number, dtype=np.float32).tobytes()
    )


def declare(**fields: int) -> Spoil:
    return lambda matrix, _: matrix.MergeFrom(pb.EmbeddingMatrix(**fields))  # type: ignore[arg-type] # enum by number


def halve(matrix: pb.EmbeddingMatrix, _: list[pb.InputResult]) -> None:
    """As if of a model of half the dim: nothing in it contradicts itself."""
    matrix.dim //= 2
    matrix.data = matrix.data[: len(matrix.data) // 2]


SPOILS: dict[str, tuple[Spoil, str]] = {
    "nan": (hold(np.nan), "NOT_FINITE"),
    "infinity": (hold(np.inf), "NOT_FINITE"),
    "unknown dtype": (declare(dtype=9), "WRONG_DTYPE"),
    "another dtype": (declare(dtype=pb.DATA_TYPE_F16), "WRONG_SIZE"),
    "misdeclared dim": (declare(dim=TEXT_DIM + 1), "WRONG_SIZE"),
    "truncated": (lambda matrix, _: setattr(matrix, "data", matrix.data[:-1]), "WRONG_SIZE"),
    "another dim": (halve, "WRONG_DIM"),
    "another model": (lambda matrix, _: setattr(matrix, "model_fingerprint", "another"), "MODEL_CHANGED"),
    "a result too few": (lambda _, results: results.pop(), "INTERNAL"),
    "a row too many": (lambda _, results: setattr(results[0], "row_count", 99), "INTERNAL"),
}


def spoil_answers(monkeypatch: pytest.MonkeyPatch, encoder: FakeEncoder, spoil: Spoil) -> None:
    right: Callable[..., Awaitable[Answer]] = encoder.answer

    async def answer(*asked: Any) -> Answer:
        matrix, results = await right(*asked)
        spoil(matrix, results)
        return matrix, results

    monkeypatch.setattr(encoder, "answer", answer)


@pytest.mark.parametrize("kind", SPOILS)
async def test_items_wait_for_an_encoder_that_answers_what_cannot_be(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    spoil_answers(monkeypatch, mesh.text, SPOILS[kind][0])
    summary = await mesh.client.upsert_items([RED_MUG, POSTER])
    assert (summary.created, summary.pending, summary.refused) == (2, 1, ())
    monkeypatch.undo()
    await mesh.until_completed()
    found = await mesh.client.search_items(text="mug", k=5)
    assert [item.item_id for item in found.items] == ["red-mug"]


@pytest.mark.parametrize("kind", SPOILS)
async def test_a_search_names_the_encoder_that_answers_what_cannot_be(
    shop: Mesh, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    spoil, reason = SPOILS[kind]
    spoil_answers(monkeypatch, shop.text, spoil)
    with pytest.raises(Unavailable) as refused:
        await shop.client.search_items(text="never seen", k=3, timeout=0.5)
    assert (refused.value.part, refused.value.reason) == ("text-encoder", reason)


async def test_no_call_holds_more_inputs_than_the_encoder_takes(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    spoil_answers(monkeypatch, mesh.text, lambda _, results: sizes.append(len(results)))
    model = pb.ModelInfo(name="small", fingerprint="small", dim=TEXT_DIM, limits=pb.ModelLimits(batch_inputs=3))
    mesh.text.fingerprint = model.fingerprint
    monkeypatch.setattr(mesh.text, "model", lambda: model)
    await until_answer(mesh.client.status, lambda status: text_fingerprint(status) == "small")
    summary = await mesh.client.upsert_items([Item(str(number), f"title {number}") for number in range(10)])
    assert (summary.created, summary.pending, max(sizes)) == (10, 0, 3)


def text_fingerprint(status: Status) -> str:
    model = status.services[0].model
    return model.fingerprint if model else ""


async def test_a_cached_vector_of_another_dim_is_not_used(mesh: Mesh) -> None:
    key = EmbeddingKey(mesh.text.fingerprint, text_hash(RED_MUG.title))
    await mesh.gateway.store.cache.put_many({key: np.ones((1, 7), dtype=np.float32)})
    summary = await mesh.client.upsert_items([RED_MUG])
    assert (summary.created, summary.encoded_texts, summary.cache_hits, summary.pending) == (1, 1, 0, 0)
    assert (await mesh.client.search_items(text="mug", k=1)).items[0].item_id == "red-mug"


async def test_what_another_model_encoded_is_not_taken_from_the_cache(mesh: Mesh) -> None:
    await mesh.client.upsert_items([Item("before", RED_MUG.title)])
    mesh.text.fingerprint = "second"
    await until_answer(mesh.client.status, lambda status: text_fingerprint(status) == "second")
    summary = await mesh.client.upsert_items([Item("after", "brown " + RED_MUG.title), Item("same", RED_MUG.title)])
    assert summary.pending == 0
    assert mesh.text.encoded.count(RED_MUG.title) == 2


class TornRanker(GatedRanker):
    """Its probabilities are none, and its fused vectors hold NaN."""

    async def Rank(  # noqa: N802 - the contract's name
        self, request: ranker_pb.FusionRankerRankRequest, context: Any
    ) -> ranker_pb.FusionRankerRankResponse:
        response = await super().Rank(request, context)
        response.probabilities[0] = np.nan
        return response

    async def Fuse(  # noqa: N802 - the contract's name
        self, request: ranker_pb.FusionRankerFuseRequest, context: Any
    ) -> ranker_pb.FusionRankerFuseResponse:
        response = await super().Fuse(request, context)
        response.vectors.data = np.full(response.vectors.rows * response.vectors.dim, np.nan, np.float32).tobytes()
        return response


@asynccontextmanager
async def beside(mesh: Mesh, ranker: GatedRanker) -> AsyncIterator[Replica]:
    """Another gateway of the mesh, with a ranker of its own."""
    server = await serve_ranker(ranker)
    try:
        async with mesh.another_gateway(fusion_ranker=server.address) as replica:
            yield replica
    finally:
        await server.stop()


async def test_a_ranker_that_answers_what_cannot_be_is_gone_without(shop: Mesh) -> None:
    await shop.client.record_events([rating("ada", "red-mug")])
    async with beside(shop, TornRanker(RANKER_CONFIG)) as replica:
        await replica.until_items(len(SHOP))
        answer = await replica.client.recommend("ada", k=2)
        summary = await replica.client.upsert_items([Item("new", "green mug")])
    assert (answer.served.served_by, len(answer.items)) == ("retrieval", 2)
    assert [lack.part for lack in answer.served.lacked] == ["fusion-ranker"]
    assert (summary.created, summary.refused) == (1, ())


async def test_items_go_in_where_the_ranker_was_made_for_vectors_of_another_dim(mesh: Mesh) -> None:
    async with beside(mesh, GatedRanker(ZeroShotConfig(text_dim=TEXT_DIM + 1, image_dim=IMAGE_DIM))) as replica:
        summary = await replica.client.upsert_items([RED_MUG])
        found = await replica.client.search_items(text="mug", k=1)
    assert (summary.created, summary.refused) == (1, ())
    assert [item.item_id for item in found.items] == ["red-mug"]
