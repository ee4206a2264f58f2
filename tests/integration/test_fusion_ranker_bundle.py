"""The fusion-ranker with a trained bundle, over real gRPC, and bundles that it refuses to start with."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from modalmesh.convert_matrices import matrix_to_proto
from modalmesh.embeddings import Embeddings, ModelId
from modalmesh.errors import InvalidInput, ModelMismatch
from modalmesh.v1 import fusion_ranker_service_pb2 as messages
from modalmesh.v1.fusion_ranker_service_pb2_grpc import FusionRankerStub
from modalmesh_services.fusion_ranker.__main__ import build
from modalmesh_services.fusion_ranker.bundle import Learned, write_bundle
from modalmesh_services.fusion_ranker.models.interface import Probabilities
from modalmesh_services.fusion_ranker.requests import RankRequest
from modalmesh_services.fusion_ranker.settings import FusionRankerSettings
from tests.unit.fusion_ranker.tiny.learning import ENCODERS, NAME, PARTS
from tests.unit.fusion_ranker.tiny.registered import register
from tests.unit.fusion_ranker.tiny.serving import TinyRanker

from .encoder_servers import refusal, run_in_vain, serve

if TYPE_CHECKING:
    from modalmesh.v1.fusion_ranker_service_pb2_grpc import FusionRankerAsyncStub

MODULE = "modalmesh_services.fusion_ranker"


def write(folder: Path) -> str:
    return write_bundle(folder, Learned(NAME, 1, {}, ""), ENCODERS, PARTS, {}, "")


@pytest.fixture
async def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator["FusionRankerAsyncStub"]:
    register(monkeypatch)
    write(tmp_path / "bundle")
    server, core = build(FusionRankerSettings(model=str(tmp_path / "bundle")))
    async with await serve(server, core) as channel:
        yield FusionRankerStub(channel)
    await server.stop()
    await core.stop()


def fuse_request(text: ModelId = ENCODERS.text, dim: int = ENCODERS.text_dim) -> messages.FusionRankerFuseRequest:
    return messages.FusionRankerFuseRequest(
        text=matrix_to_proto(Embeddings(np.ones((1, dim), np.float32), text)),
        items=[messages.ItemTokens(item_id="lamp", texts=[messages.TextToken(field="title", row=0)])],
    )


async def rank_request(stub: "FusionRankerAsyncStub") -> messages.FusionRankerRankRequest:
    vectors = (await stub.Fuse(fuse_request())).vectors
    candidates = [messages.Candidate(item_id=item_id) for item_id in ("new", "chair", "lamp")]
    return messages.FusionRankerRankRequest(vectors=vectors, candidates=candidates)


async def test_it_says_what_the_bundle_is_and_for_which_encoders(stub: "FusionRankerAsyncStub", tmp_path: Path) -> None:
    told = await stub.GetModel(messages.FusionRankerGetModelRequest())
    assert (told.model.name, told.model.fingerprint) == (NAME, write(tmp_path / "again"))
    assert (told.model.dim, told.text_fingerprint, told.image_fingerprint) == (10, "t1", "i1")


async def test_what_was_learned_ranks_under_the_bundles_revision(stub: "FusionRankerAsyncStub", tmp_path: Path) -> None:
    ranked = await stub.Rank(await rank_request(stub))
    assert list(np.argsort(ranked.probabilities)) == [0, 1, 2]
    assert ranked.revision == write(tmp_path / "again")
    proposed = await stub.Propose(messages.FusionRankerProposeRequest(limit=5))
    assert [item.item_id for item in proposed.items] == ["lamp", "chair"]


async def test_vectors_of_an_encoder_that_it_was_not_made_for_are_a_mismatch(stub: "FusionRankerAsyncStub") -> None:
    error = await refusal(stub.Fuse(fuse_request(text=ModelId("minilm", "t2"))))
    assert isinstance(error, ModelMismatch)
    assert "'t2'" in error.message


async def test_vectors_of_another_dim_are_refused(stub: "FusionRankerAsyncStub") -> None:
    error = await refusal(stub.Fuse(fuse_request(dim=5)))
    assert isinstance(error, InvalidInput)
    assert error.reason == "WRONG_DIM"


async def test_calls_at_once_are_served_one_after_the_other(
    stub: "FusionRankerAsyncStub", monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, most, rank = threading.Semaphore(1), [], TinyRanker.rank

    def alone(self: TinyRanker, request: RankRequest) -> Probabilities:
        most.append(inside.acquire(blocking=False))
        try:
            return rank(self, request)
        finally:
            inside.release()

    request = await rank_request(stub)
    monkeypatch.setattr(TinyRanker, "rank", alone)
    answers = await asyncio.gather(*(stub.Rank(request) for _ in range(20)))
    assert len({tuple(answer.probabilities) for answer in answers}) == 1
    assert most == [True] * 20


async def test_a_bundle_that_was_changed_ends_the_start_in_one_line(tmp_path: Path) -> None:
    write(tmp_path / "bundle")
    tensors = tmp_path / "bundle" / "tensors.safetensors"
    tensors.write_bytes(tensors.read_bytes().replace(b"liked", b"biked"))
    code, said = await run_in_vain(MODULE, "--model", str(tmp_path / "bundle"))
    assert (code, said.count("\n")) == (1, 1)
    assert "fusion-ranker can't run: " in said
    assert f"{tmp_path}/bundle: manifest.json: system: is 'tiny'" in said


async def test_a_bundle_that_is_not_there_ends_the_start_in_one_line(tmp_path: Path) -> None:
    code, said = await run_in_vain(MODULE, MODALMESH_FUSION_RANKER_MODEL=str(tmp_path / "none"))
    assert (code, said.count("\n")) == (1, 1)
    assert f"bundle {tmp_path}/none: there is no bundle" in said
