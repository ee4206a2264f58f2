"""The default ranker with its networks and dense matrices on a device answers what it answers on the CPU."""

from collections.abc import Iterator

import numpy as np
import pytest

from modalmesh_services.common.backends.device import CPU, Device
from modalmesh_services.fusion_ranker.requests import ExplainRequest, ProposeRequest, RankRequest
from modalmesh_services.fusion_ranker.systems.interface import Parts, Training
from modalmesh_services.fusion_ranker.systems.modalmesh.learning import system
from modalmesh_services.fusion_ranker.systems.modalmesh.serving import ModalMeshRanker, ranker
from tests.fake_device import FakeDevice, fake_cuda
from tests.unit.fusion_ranker.systems.modalmesh.test_default_serving import MADE_FOR, USER, asked
from tests.unit.fusion_ranker.systems.modalmesh.warm.made import ITEMS, made_training

COLD = ITEMS


@pytest.fixture(scope="module")
def training() -> Training:
    return made_training()


@pytest.fixture(scope="module")
def parts(training: Training) -> Parts:
    return system("modalmesh", {"epochs": 1, "networks": 2}).fit(training).parts()


@pytest.fixture(scope="module")
def theirs(parts: Parts) -> ModalMeshRanker:
    return ranker(parts, MADE_FOR, CPU)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDevice]:
    with fake_cuda(monkeypatch) as fake:
        yield fake


@pytest.fixture
def ours(parts: Parts, device: FakeDevice) -> ModalMeshRanker:
    return ranker(parts, MADE_FOR, Device("cuda"))


@pytest.fixture(scope="module")
def request_of_all(theirs: ModalMeshRanker, training: Training) -> RankRequest:
    return asked(theirs, training, USER, [*range(ITEMS), COLD])


def test_a_device_ranks_and_proposes_as_the_cpu_does(
    ours: ModalMeshRanker, theirs: ModalMeshRanker, request_of_all: RankRequest
) -> None:
    np.testing.assert_allclose(ours.rank(request_of_all), theirs.rank(request_of_all), rtol=1e-5)
    proposing = ProposeRequest(request_of_all.history, 10, request_of_all.time_ms)
    assert [each.item_id for each in ours.propose(proposing)] == [each.item_id for each in theirs.propose(proposing)]


def test_a_device_explains_as_the_cpu_does(
    ours: ModalMeshRanker, theirs: ModalMeshRanker, request_of_all: RankRequest
) -> None:
    explaining = ExplainRequest(request_of_all, [3, 40, COLD])
    for told, expected in zip(ours.explain(explaining), theirs.explain(explaining), strict=True):
        found = [[signal.contribution for signal in each.signals] for each in (told, expected)]
        np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-5)


def test_networks_and_dense_matrices_are_there_before_a_call_which_brings_little(
    ours: ModalMeshRanker, device: FakeDevice, request_of_all: RankRequest
) -> None:
    device.sent.clear()
    device.waits = 0
    ours.rank(request_of_all)
    # By the two models that know contents twice each, by the three others once, and by the networks.
    assert device.waits == 8
    assert len(device.sent) == 9
    assert all(device.sent)


def test_the_build_says_the_device(ours: ModalMeshRanker, theirs: ModalMeshRanker) -> None:
    assert [each.description.build.split("/")[1] for each in (ours, theirs)] == ["cuda", "cpu"]
