"""The core without gRPC: limits, the worker's thread, what it says of its model."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest

from modalmesh.embeddings import Embeddings, ModelId
from modalmesh.errors import DeadlineExceeded, InvalidInput, ModelMismatch, Overloaded, TooLarge, Unavailable
from modalmesh_services.common.deadline import Deadline
from modalmesh_services.fusion_ranker.core import RankerCore
from modalmesh_services.fusion_ranker.requests import (
    ExplainRequest,
    FuseRequest,
    ImageToken,
    ItemTokens,
    ProposeRequest,
    RankRequest,
    TextToken,
)
from tests.unit.fusion_ranker.builders import (
    IMAGE_DIM,
    LIMITS,
    RANKER,
    REVISION,
    TEXT_DIM,
    GatedRanker,
    history,
    ranking,
    user,
)

FOREVER = Deadline.after(None)
CHANCE = np.random.default_rng(0)
VECTORS = CHANCE.normal(size=(10, TEXT_DIM + IMAGE_DIM)).astype(np.float32)
RANKING = ranking(VECTORS, [0, 1], [2, 3, 4])


@pytest.fixture
async def core() -> AsyncIterator[RankerCore]:
    core = RankerCore(RANKER, LIMITS, queue_bytes=1 << 20)
    await core.start()
    yield core
    await core.stop()


async def test_it_says_what_its_model_is_and_takes(core: RankerCore) -> None:
    info = core.info()
    assert (info.model.name, info.model.fingerprint, info.model.dim) == ("zero-shot", REVISION, TEXT_DIM + IMAGE_DIM)
    limits = info.model.limits
    assert (limits.batch_inputs, limits.candidates, limits.history_events) == (5, 50, 20)
    assert (info.text_fingerprint, info.image_fingerprint) == ("", "")


async def test_it_starts_whatever_its_limits() -> None:
    core = RankerCore(RANKER, replace(LIMITS, candidates=1, history_events=1), queue_bytes=1)
    await core.start()
    assert len(await core.rank(ranking(VECTORS[:2], [0], [1]), FOREVER)) == 1
    await core.stop()


async def test_fused_vectors_are_of_its_revision_and_rank(core: RankerCore) -> None:
    text = Embeddings(CHANCE.normal(size=(2, TEXT_DIM)).astype(np.float32), ModelId("bert", "t"))
    image = Embeddings(CHANCE.normal(size=(1, IMAGE_DIM)).astype(np.float32), ModelId("resnet", "i"))
    items = [ItemTokens("a", [TextToken("title", 1)]), ItemTokens("b", images=[ImageToken("picture", 0)])]
    vectors = await core.fuse(FuseRequest(text, image, items), FOREVER)
    assert vectors.model == ModelId("zero-shot", REVISION)
    assert len(await core.rank(replace(ranking(VECTORS, [0], [1]), vectors=vectors), FOREVER)) == 1


async def test_it_ranks_and_explains_and_encodes_as_its_model_does(core: RankerCore) -> None:
    np.testing.assert_array_equal(await core.rank(RANKING, FOREVER), RANKER.rank(RANKING))
    explanations = await core.explain(ExplainRequest(RANKING, [2, 0]), FOREVER)
    assert [each.item_id for each in explanations] == ["item-4", "item-2"]
    encoded = await core.encode_user(user(VECTORS, [0, 1]), FOREVER)
    assert (encoded.queries.rows, encoded.queries.model) == (2, ModelId("zero-shot", REVISION))
    assert list(await core.propose(ProposeRequest(history([1]), 5, 0), FOREVER)) == []


async def test_every_method_refuses_what_is_wrong_at_the_door(core: RankerCore) -> None:
    other = replace(RANKING.vectors, model=ModelId("zero-shot", "another"))
    with pytest.raises(ModelMismatch):
        await core.rank(replace(RANKING, vectors=other), FOREVER)
    with pytest.raises(ModelMismatch):
        await core.encode_user(replace(user(VECTORS, [0]), vectors=other), FOREVER)
    with pytest.raises(TooLarge):
        await core.propose(ProposeRequest(history([1]), 51, 0), FOREVER)
    with pytest.raises(InvalidInput):
        await core.explain(ExplainRequest(RANKING, [3]), FOREVER)
    with pytest.raises(InvalidInput):
        await core.fuse(FuseRequest(RANKING.vectors, RANKING.vectors, []), FOREVER)


async def test_no_method_begins_after_the_deadline(core: RankerCore) -> None:
    past = Deadline.after(-1)
    for call in (
        core.rank(RANKING, past),
        core.explain(ExplainRequest(RANKING, [0]), past),
        core.encode_user(user(VECTORS, [0]), past),
        core.propose(ProposeRequest(history([1]), 5, 0), past),
        core.fuse(FuseRequest(Embeddings(VECTORS[:0]), Embeddings(VECTORS[:0]), [ItemTokens("a")]), past),
    ):
        with pytest.raises(DeadlineExceeded):
            await call


async def test_the_model_runs_in_one_thread_of_its_own() -> None:
    model = GatedRanker()
    core = RankerCore(model, LIMITS, queue_bytes=1 << 20)
    calls = [asyncio.create_task(core.rank(RANKING, FOREVER)) for _ in range(3)]
    await asyncio.to_thread(model.entered.wait, 10)
    assert len(model.ranked) == 1
    model.gate.set()
    await asyncio.gather(*calls)
    assert model.ranked == [("ranker_0", 3)] * 3
    await core.stop()


@pytest.mark.parametrize(
    "request_",
    [RANKING, ranking(VECTORS[:0], [], [-1] * 3), ranking(VECTORS, [0], [1])],
    ids=["usual", "bare", "small"],
)
async def test_every_call_that_waits_counts(request_: RankRequest) -> None:
    """Also one without vectors: a queue of such calls must not grow without bound."""
    model = GatedRanker()
    core = RankerCore(model, LIMITS, queue_bytes=30_000)
    calls = [asyncio.create_task(core.rank(request_, FOREVER)) for _ in range(10)]
    await asyncio.to_thread(model.entered.wait, 10)
    refused = [call for call in calls if call.done()]
    assert 3 <= len(refused) <= 7
    assert all(isinstance(call.exception(), Overloaded) for call in refused)
    model.gate.set()
    await asyncio.gather(*calls, return_exceptions=True)
    await core.stop()


async def test_a_call_counts_by_its_vectors() -> None:
    model = GatedRanker()
    core = RankerCore(model, LIMITS, queue_bytes=25_000)
    large = ranking(np.ones((70, TEXT_DIM + IMAGE_DIM), np.float32), [0], [1])
    calls = [asyncio.create_task(core.rank(request, FOREVER)) for request in (large, large, ranking(VECTORS, [0], [1]))]
    await asyncio.to_thread(model.entered.wait, 10)
    assert [call.done() for call in calls] == [False, True, False]
    assert isinstance(calls[1].exception(), Overloaded)
    model.gate.set()
    await asyncio.gather(calls[0], calls[2])
    await core.stop()


async def test_a_stopped_core_says_so() -> None:
    core = RankerCore(RANKER, LIMITS, queue_bytes=1 << 20)
    await core.stop()
    with pytest.raises(Unavailable):
        await core.rank(RANKING, FOREVER)
