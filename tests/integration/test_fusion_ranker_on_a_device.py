"""The fusion-ranker with --device, over real gRPC, on a device that stands for a GPU."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from modalmesh.convert_matrices import matrix_from_proto, matrix_to_proto
from modalmesh.embeddings import Embeddings
from modalmesh.errors import Overloaded
from modalmesh.v1 import fusion_ranker_service_pb2 as messages
from modalmesh.v1.fusion_ranker_service_pb2_grpc import FusionRankerStub
from modalmesh_services.fusion_ranker.__main__ import build
from modalmesh_services.fusion_ranker.bundle import Encoders, Learned, write_bundle
from modalmesh_services.fusion_ranker.loading import load
from modalmesh_services.fusion_ranker.models.bounded import NO_MEMORY
from modalmesh_services.fusion_ranker.settings import FusionRankerSettings
from modalmesh_services.image_encoder.settings import ImageEncoderSettings
from modalmesh_services.text_encoder.loading import load as load_text
from modalmesh_services.text_encoder.settings import TextEncoderSettings
from tests.fake_device import FakeDevice, fake_cuda
from tests.unit.fusion_ranker.systems.multimodal.made import IMAGE_DIM, MADE_FOR, TEXT_DIM
from tests.unit.fusion_ranker.systems.multimodal.untrained import untrained_parts

from .encoder_servers import refusal, run_in_vain, serve

if TYPE_CHECKING:
    from modalmesh.v1.fusion_ranker_service_pb2_grpc import FusionRankerAsyncStub

NAME = "MultiModalAttention"
ITEMS = 200


@pytest.fixture
def bundle(tmp_path: Path) -> str:
    encoders = Encoders(MADE_FOR.text, MADE_FOR.image, TEXT_DIM, IMAGE_DIM)
    write_bundle(tmp_path / "bundle", Learned(NAME, 1, {}, ""), encoders, untrained_parts(NAME), {}, "")
    return str(tmp_path / "bundle")


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDevice]:
    with fake_cuda(monkeypatch) as fake:
        yield fake


@pytest.fixture
async def stub(bundle: str, device: FakeDevice) -> AsyncIterator["FusionRankerAsyncStub"]:
    server, core = build(FusionRankerSettings(model=bundle, device="cuda:0"))
    async with await serve(server, core) as channel:
        yield FusionRankerStub(channel)
    await server.stop()
    await core.stop()


def fuse_request() -> messages.FusionRankerFuseRequest:
    text = np.random.default_rng(0).normal(size=(ITEMS, TEXT_DIM)).astype(np.float32)
    return messages.FusionRankerFuseRequest(
        text=matrix_to_proto(Embeddings(text, MADE_FOR.text)),
        items=[
            messages.ItemTokens(item_id=f"item-{row}", texts=[messages.TextToken(field="title", row=row)])
            for row in range(ITEMS)
        ],
    )


async def rank_request(stub: "FusionRankerAsyncStub") -> messages.FusionRankerRankRequest:
    return messages.FusionRankerRankRequest(
        vectors=(await stub.Fuse(fuse_request())).vectors,
        history=[messages.HistoryEvent(item_id=f"item-{row}", row=row, positive=True) for row in range(5)],
        candidates=[messages.Candidate(item_id=f"item-{row}", row=row) for row in range(ITEMS)],
    )


async def test_it_says_on_which_device_it_ranks(stub: "FusionRankerAsyncStub") -> None:
    told = await stub.GetModel(messages.FusionRankerGetModelRequest())
    assert told.model.build.split("/")[1:] == ["cuda", "fp32"]


async def test_what_it_answers_over_the_network_is_what_a_cpu_answers(
    stub: "FusionRankerAsyncStub", bundle: str
) -> None:
    request = await rank_request(stub)
    server, core = build(FusionRankerSettings(model=bundle, device="cpu"))
    async with await serve(server, core) as channel:
        theirs = FusionRankerStub(channel)
        np.testing.assert_array_equal(
            matrix_from_proto(request.vectors, field="vectors").values,
            matrix_from_proto((await theirs.Fuse(fuse_request())).vectors, field="vectors").values,
        )
        assert (await stub.Rank(request)).probabilities == (await theirs.Rank(request)).probabilities
    await server.stop()
    await core.stop()


async def test_a_call_that_the_device_has_no_memory_for_is_refused_and_the_next_one_answered(
    stub: "FusionRankerAsyncStub", device: FakeDevice
) -> None:
    request = await rank_request(stub)
    device.most_bytes = 1000
    for call in (stub.Rank(request), stub.Fuse(fuse_request())):
        error = await refusal(call)
        assert isinstance(error, Overloaded)
        assert error.reason == NO_MEMORY
        assert "has no memory left for this: ask for fewer items at once" in error.message
    device.most_bytes = float("inf")
    assert len((await stub.Rank(request)).probabilities) == ITEMS


def test_a_model_that_the_device_has_no_memory_for_is_refused_at_the_start(bundle: str, device: FakeDevice) -> None:
    device.most_bytes = 100
    with pytest.raises(Overloaded, match="a model that is being loaded needs a device with more"):
        load(FusionRankerSettings(model=bundle, device="cuda"))


@pytest.mark.usefixtures("device")
def test_auto_is_the_gpu_where_there_is_one(bundle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "/cuda/" in load(FusionRankerSettings(model=bundle)).description.build
    # Undone before the device is: another test's machine has no GPU.
    with monkeypatch.context() as patch:
        patch.setattr("modalmesh_services.common.backends.device._cuda_devices", lambda: 0)
        assert "/cpu/" in load(FusionRankerSettings(model=bundle)).description.build


def test_the_setting_is_that_of_the_encoders() -> None:
    kinds = (FusionRankerSettings, TextEncoderSettings, ImageEncoderSettings)
    schemas = [kind.model_json_schema()["properties"]["device"] for kind in kinds]
    assert schemas[0] == schemas[1] == schemas[2]
    assert schemas[0]["default"] == "auto"


def test_a_device_that_is_not_there_is_refused_as_the_encoders_refuse_it() -> None:
    with pytest.raises(ValueError, match="cuda:99") as theirs:
        load_text(TextEncoderSettings(device="cuda:99"))
    with pytest.raises(ValueError, match="cuda:99") as ours:
        load(FusionRankerSettings(device="cuda:99"))
    assert str(ours.value) == str(theirs.value)


async def test_the_server_says_so_in_one_line_and_ends() -> None:
    code, said = await run_in_vain("modalmesh_services.fusion_ranker", "--device", "cuda:99")
    assert (code, len(said.splitlines())) == (1, 1)
    assert "--device cuda:99: this machine has" in said
