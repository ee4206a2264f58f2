"""The named systems on a device that no tensor of the CPU may meet, and whose numbers are the CPU's."""

from collections.abc import Iterator

import numpy as np
import pytest

from modalmesh_services.common.backends.device import CPU, Device
from modalmesh_services.fusion_ranker.models.interface import RankerModel
from modalmesh_services.fusion_ranker.requests import ExplainRequest, UserRequest
from modalmesh_services.fusion_ranker.systems.multimodal.serving import ranker
from tests.fake_device import FakeDevice, fake_cuda
from tests.unit.fusion_ranker.systems.multimodal.made import (
    MADE_FOR,
    catalogue,
    fuse_request,
    history,
    rank_request,
)
from tests.unit.fusion_ranker.systems.multimodal.test_reading_configurations import NAMED
from tests.unit.fusion_ranker.systems.multimodal.untrained import untrained_parts

GPU = Device("cuda")


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDevice]:
    with fake_cuda(monkeypatch) as fake:
        yield fake


def both(name: str = "MultiModalAttention") -> tuple[RankerModel, RankerModel]:
    """The same ranker on the device and on the CPU."""
    return ranker(untrained_parts(name), MADE_FOR, GPU), ranker(untrained_parts(name), MADE_FOR, CPU)


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("name", NAMED)
def test_a_device_fuses_ranks_and_explains_as_the_cpu_does(name: str) -> None:
    ours, theirs = both(name)
    fused = theirs.fuse(fuse_request(catalogue()))
    np.testing.assert_array_equal(ours.fuse(fuse_request(catalogue())), fused)
    request = rank_request(catalogue(), fused, history(3), 10**12)
    np.testing.assert_array_equal(ours.rank(request), theirs.rank(request))
    asking = UserRequest(request.vectors, request.history, request.time_ms)
    np.testing.assert_array_equal(ours.encode_user(asking).vectors, theirs.encode_user(asking).vectors)
    explaining = ExplainRequest(request, [5, 31])
    assert ours.explain(explaining) == theirs.explain(explaining)


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("name", NAMED)
def test_who_did_nothing_is_ranked_on_a_device_too(name: str) -> None:
    ours, theirs = both(name)
    nothing = rank_request(catalogue(), theirs.fuse(fuse_request(catalogue())), history(3)[:0], 0)
    np.testing.assert_array_equal(ours.rank(nothing), theirs.rank(nothing))


def test_what_a_call_brings_comes_out_of_page_locked_memory_and_its_answer_is_waited_for_once(
    device: FakeDevice,
) -> None:
    ours, theirs = both()
    request = rank_request(catalogue(), theirs.fuse(fuse_request(catalogue())), history(3), 10**12)
    device.sent.clear()
    device.waits = 0
    ours.rank(request)
    assert all(device.sent)
    assert 0 < len(device.sent) <= 8
    assert device.waits == 1


@pytest.mark.usefixtures("device")
def test_answers_are_float32_of_the_cpu_and_the_build_says_where_they_were_made() -> None:
    ours, theirs = both()
    assert ours.fuse(fuse_request(catalogue())).dtype == np.float32
    assert ours.description.build.split("/")[1:] == ["cuda", "fp32"]
    assert theirs.description.build.split("/")[1:] == ["cpu", "fp32"]
