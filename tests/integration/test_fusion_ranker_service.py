"""The fusion-ranker as its callers see it: a real server with the zero-shot model, over real gRPC."""

import asyncio
import math
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import grpc
import numpy as np
import pytest

from modalmesh.convert_matrices import matrix_from_proto, matrix_to_proto
from modalmesh.embeddings import Dtype, Embeddings, FloatMatrix, ModelId
from modalmesh.errors import DeadlineExceeded, InvalidInput, ModalmeshError, ModelMismatch, Overloaded, TooLarge
from modalmesh.v1 import fusion_ranker_service_pb2 as messages
from modalmesh.v1.fusion_ranker_service_pb2_grpc import FusionRankerStub
from modalmesh_services.common.server import MeshServer
from modalmesh_services.fusion_ranker.__main__ import build
from modalmesh_services.fusion_ranker.servicer import SERVICE_NAME
from modalmesh_services.fusion_ranker.settings import FusionRankerSettings
from tests.unit.fusion_ranker.builders import IMAGE_DIM, TEXT_DIM, GatedRanker, both, kinds

from .encoder_servers import health, listed_services, refusal, run_in_vain, run_until_sigterm, serve

if TYPE_CHECKING:
    # The stubs of types alone know it.
    from modalmesh.v1.fusion_ranker_service_pb2_grpc import FusionRankerAsyncStub

MODULE = "modalmesh_services.fusion_ranker"
SIZES = {"text_dim": TEXT_DIM, "image_dim": IMAGE_DIM}
KINDS = [0, 0, 0, *[place % 4 for place in range(12)]]


@pytest.fixture(scope="module")
async def channel() -> AsyncIterator[grpc.aio.Channel]:
    server, core = build(FusionRankerSettings.model_validate({**SIZES, "max_candidates": 100, "fuse_items": 20}))
    async with await serve(server, core) as channel:
        yield channel
    await server.stop()
    await core.stop()


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> "FusionRankerAsyncStub":
    return FusionRankerStub(channel)


def tokens() -> tuple[FloatMatrix, FloatMatrix]:
    """Fifteen items: three of kind 0, then twelve of four kinds."""
    chance = np.random.default_rng(0)
    return kinds(chance, KINDS, TEXT_DIM), kinds(chance, KINDS, IMAGE_DIM)


def fuse_request(dtype: Dtype = Dtype.F32, torn: bool = False) -> messages.FusionRankerFuseRequest:
    """`torn`: a third of them lack their text, and a third their picture."""
    text, image = tokens()
    return messages.FusionRankerFuseRequest(
        text=matrix_to_proto(Embeddings(text, ModelId("bert", "t")), dtype),
        image=matrix_to_proto(Embeddings(image, ModelId("resnet", "i")), dtype),
        items=[
            messages.ItemTokens(
                item_id=f"item-{row}",
                texts=[] if torn and row % 3 == 0 else [messages.TextToken(field="title", row=row)],
                images=[] if torn and row % 3 == 1 else [messages.ImageToken(row=row)],
            )
            for row in range(15)
        ],
    )


def events(rows: Sequence[int]) -> list[messages.HistoryEvent]:
    return [messages.HistoryEvent(item_id=f"item-{row}", row=row, time_ms=row, positive=True) for row in rows]


def candidates(rows: Sequence[int]) -> list[messages.Candidate]:
    return [messages.Candidate(item_id=f"item-{row}", row=row, event_count=row % 3) for row in rows]


async def rank_request(stub: "FusionRankerAsyncStub", torn: bool = False) -> messages.FusionRankerRankRequest:
    """Of a user who likes kind 0, about all other items."""
    vectors = (await stub.Fuse(fuse_request(torn=torn))).vectors
    return messages.FusionRankerRankRequest(
        vectors=vectors, history=events(range(3)), candidates=candidates(range(3, 15))
    )


async def test_it_is_serving_and_can_be_reflected(channel: grpc.aio.Channel) -> None:
    assert [await health(channel, name) for name in ("", SERVICE_NAME)] == ["SERVING", "SERVING"]
    assert SERVICE_NAME in await listed_services(channel)


async def test_it_is_not_serving_before_it_is_warm() -> None:
    server, core = build(FusionRankerSettings())
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        assert await health(channel, SERVICE_NAME) == "NOT_SERVING"
    await server.stop()
    await core.stop()


@pytest.mark.parametrize("dtype", list(Dtype))
async def test_items_are_fused_in_the_space_that_the_model_names(stub: "FusionRankerAsyncStub", dtype: Dtype) -> None:
    model = (await stub.GetModel(messages.FusionRankerGetModelRequest())).model
    response = await stub.Fuse(fuse_request(dtype))
    fused = matrix_from_proto(response.vectors, field="vectors", dim=model.dim, fingerprint=model.fingerprint)
    assert (model.limits.candidates, model.limits.batch_inputs) == (100, 20)
    np.testing.assert_allclose(fused.values, both(*tokens()), atol=0.02)


@pytest.mark.parametrize("torn", [False, True])
async def test_a_users_kind_is_ranked_first(stub: "FusionRankerAsyncStub", torn: bool) -> None:
    request = await rank_request(stub, torn)
    response = await stub.Rank(request)
    order = np.argsort(-np.array(response.probabilities))
    assert {KINDS[3 + place] for place in order[:3]} == {0}
    assert response.revision == request.vectors.model_fingerprint
    assert all(0 < probability < 1 for probability in response.probabilities)


async def test_a_users_queries_find_their_kind(stub: "FusionRankerAsyncStub") -> None:
    request = await rank_request(stub)
    user = await stub.EncodeUser(
        messages.FusionRankerEncodeUserRequest(vectors=request.vectors, history=request.history)
    )
    queries, vectors = (matrix_from_proto(each, field="x").values for each in (user.queries, request.vectors))
    scores = np.array(user.weights) @ queries @ vectors.T
    assert {KINDS[row] for row in np.argsort(-scores)[:6]} == {0}
    assert sum(user.weights) == pytest.approx(1.0)


async def test_no_history_has_no_queries_and_still_a_ranking(stub: "FusionRankerAsyncStub") -> None:
    request = await rank_request(stub)
    del request.history[:]
    user = await stub.EncodeUser(messages.FusionRankerEncodeUserRequest(vectors=request.vectors))
    assert (user.queries.rows, len(user.weights)) == (0, 0)
    assert len((await stub.Rank(request)).probabilities) == 12


async def test_an_explanation_adds_up_to_the_probability(stub: "FusionRankerAsyncStub") -> None:
    request = await rank_request(stub)
    ranked = (await stub.Rank(request)).probabilities
    response = await stub.Explain(
        messages.FusionRankerExplainRequest(
            vectors=request.vectors, history=request.history, candidates=request.candidates, explain=[4, 1]
        )
    )
    assert [each.item_id for each in response.explanations] == ["item-7", "item-4"]
    for place, explanation in zip((4, 1), response.explanations, strict=True):
        logit = explanation.bias + sum(signal.contribution for signal in explanation.signals)
        assert 1 / (1 + math.exp(-logit)) == pytest.approx(explanation.probability)
        assert explanation.probability == pytest.approx(ranked[place], abs=1e-6)
        assert {share.item_id for share in explanation.history} == {"item-0", "item-1", "item-2"}


async def test_a_model_without_a_vocabulary_proposes_nothing(stub: "FusionRankerAsyncStub") -> None:
    response = await stub.Propose(messages.FusionRankerProposeRequest(history=events([0]), limit=10))
    model = (await stub.GetModel(messages.FusionRankerGetModelRequest())).model
    assert (len(response.items), response.revision) == (0, model.fingerprint)


async def test_wrong_input_is_refused_with_field_and_reason(stub: "FusionRankerAsyncStub") -> None:
    request = await rank_request(stub)
    request.candidates[2].row = 99
    error = await refusal(stub.Rank(request))
    assert isinstance(error, InvalidInput)
    assert (error.field, error.reason) == ("candidates[2].row", "OUT_OF_RANGE")


async def test_a_number_that_is_none_is_refused_with_its_matrix(stub: "FusionRankerAsyncStub") -> None:
    request = fuse_request()
    request.image.data = np.full(15 * IMAGE_DIM, np.nan, np.float32).tobytes()
    error = await refusal(stub.Fuse(request))
    assert isinstance(error, InvalidInput)
    assert (error.field, error.reason) == ("image.data", "NOT_FINITE")


async def test_two_revisions_never_meet(stub: "FusionRankerAsyncStub") -> None:
    request = await rank_request(stub)
    request.vectors.model_fingerprint = "yesterday"
    error = await refusal(stub.Rank(request))
    assert isinstance(error, ModelMismatch)
    assert error.message.startswith("vectors.model_fingerprint: vectors of 'yesterday' where")


async def test_a_flood_of_empty_entries_is_refused_and_blocks_nobody(
    channel: grpc.aio.Channel, stub: "FusionRankerAsyncStub"
) -> None:
    flood = messages.FusionRankerRankRequest.FromString(b"\x1a\x00" * 1_000_000)
    error = await refusal(stub.Rank(flood))
    assert isinstance(error, TooLarge)
    assert error.field == "candidates"
    assert await health(channel, SERVICE_NAME) == "SERVING"


@asynccontextmanager
async def gated(**options: int) -> AsyncIterator[tuple[GatedRanker, "FusionRankerAsyncStub", MeshServer]]:
    """A server whose model waits at a gate before it ranks."""
    model = GatedRanker()
    model.gate.set()
    server, core = build(FusionRankerSettings.model_validate({**SIZES, **options}), model)
    async with await serve(server, core) as channel:
        model.ranked.clear()
        model.entered.clear()
        model.gate.clear()
        try:
            yield model, FusionRankerStub(channel), server
        finally:
            model.gate.set()
            await server.stop()
            await core.stop()


async def refused_with(
    kind: type[ModalmeshError], stub: "FusionRankerAsyncStub", request: messages.FusionRankerRankRequest
) -> None:
    """Ask again and again, with little time for it, until it is refused like this."""
    async with asyncio.timeout(10):
        while not isinstance(await refusal(stub.Rank(request, timeout=0.05)), kind):
            pass


async def test_expired_and_abandoned_work_frees_its_place_and_is_never_begun() -> None:
    # Enough for two rankings.
    async with gated(queue_bytes=35_000) as (model, stub, _):
        request = await rank_request(stub)
        blocker = stub.Rank(request)
        await asyncio.to_thread(model.entered.wait, 10)
        leaving = stub.Rank(request)
        await refused_with(Overloaded, stub, request)
        leaving.cancel()
        await refused_with(DeadlineExceeded, stub, request)
        model.gate.set()
        await blocker
        await stub.Propose(messages.FusionRankerProposeRequest(limit=1))
    assert len(model.ranked) == 1


async def test_overload_is_refused_with_a_hint_while_health_is_answered() -> None:
    async with gated(queue_bytes=10_000) as (model, stub, server):
        request = await rank_request(stub)
        blocker = stub.Rank(request)
        await asyncio.to_thread(model.entered.wait, 10)
        error = await refusal(stub.Rank(request))
        async with grpc.aio.insecure_channel(server.address) as channel:
            assert await health(channel, SERVICE_NAME) == "SERVING"
        model.gate.set()
        await blocker
    assert isinstance(error, Overloaded)
    assert error.retry_after > 0


async def test_a_stop_finishes_what_was_accepted_and_ends_its_thread() -> None:
    before = set(threading.enumerate())
    async with gated() as (model, stub, server):
        request = await rank_request(stub)
        accepted = stub.Rank(request)
        await asyncio.to_thread(model.entered.wait, 10)
        stopping = asyncio.create_task(server.stop())
        async with grpc.aio.insecure_channel(server.address) as channel:
            await refusal(FusionRankerStub(channel).Rank(request, timeout=0.5))
        model.gate.set()
        assert len((await accepted).probabilities) == 12
        await stopping
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("ranker")]


async def test_the_process_serves_until_sigterm() -> None:
    async def ask(address: str) -> None:
        async with grpc.aio.insecure_channel(address) as channel:
            assert await health(channel, SERVICE_NAME) == "SERVING"
            stub: FusionRankerAsyncStub = FusionRankerStub(channel)
            assert len((await stub.Rank(await rank_request(stub))).probabilities) == 12

    sizes = ("--text-dim", str(TEXT_DIM), "--image-dim", str(IMAGE_DIM))
    assert await run_until_sigterm(MODULE, ask, *sizes) == 0


async def test_a_wrong_setting_ends_with_2_and_names_its_key() -> None:
    code, said = await run_in_vain(MODULE, MODALMESH_FUSION_RANKER_TEXT_DIM="many")
    assert (code, "MODALMESH_FUSION_RANKER_TEXT_DIM" in said) == (2, True)
    code, said = await run_in_vain(MODULE, "--model", "")
    assert (code, "--model (MODALMESH_FUSION_RANKER_MODEL)" in said) == (2, True)


async def test_a_port_that_is_taken_ends_with_1(channel: grpc.aio.Channel) -> None:
    server = MeshServer(FusionRankerSettings(), [])
    await server.start()
    code, said = await run_in_vain(MODULE, "--port", str(server.port))
    await server.stop()
    assert (code, f"can't listen on 127.0.0.1:{server.port}" in said) == (1, True)


async def test_help_lists_the_settings() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", MODULE, "--help"), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    assert all(flag in said.decode() for flag in ("--text-dim", "--max-candidates", "example: "))
