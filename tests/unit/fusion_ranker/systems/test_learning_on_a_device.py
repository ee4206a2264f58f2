"""Systems learn on a device what they learn on the CPU, and several processes have one each."""

import multiprocessing
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import distributed

from modalmesh.errors import InvalidInput
from modalmesh_services.fusion_ranker.systems.devices import training_device
from modalmesh_services.fusion_ranker.systems.interface import Watch
from modalmesh_services.fusion_ranker.systems.modalmesh.warm.network import learn
from modalmesh_services.fusion_ranker.systems.multimodal.learning import system
from modalmesh_services.fusion_ranker.systems.multimodal.processes import Processes
from modalmesh_services.fusion_ranker.systems.multimodal.trained import TrainedMultimodal
from tests.fake_device import FakeDevice, fake_cuda
from tests.unit.fusion_ranker.systems.multimodal.made import TINY, history, training

EVERYTHING = {
    **TINY,
    "epochs": 1,
    "held_out": 4,
    "alignment.kind": "contrastive_adversarial",
    "balance": {"gates": True, "modulation": 0.5, "dropout": 0.2, "noise": 0.1},
}
# The fake device has no recurrent cells of a GPU's kind.
WITHOUT_GRU = {**TINY, "epochs": 1, "history": {"events": 12, "kind": "mean"}}


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDevice]:
    with fake_cuda(monkeypatch, count=2) as fake:
        yield fake


def learned(name: str, changes: dict[str, object], device: str) -> TrainedMultimodal:
    return system(name, changes).fit_watched(training(), Watch(lambda step: None, device=device))


def named_systems_learn() -> None:
    for name, changes in (("MultiModalProductRecommender", EVERYTHING), ("gan-completion", WITHOUT_GRU)):
        ours, theirs = learned(name, changes, "cuda"), learned(name, changes, "cpu")
        assert ours.ids.device.type == "fake"
        assert ours.curve[0].loss == pytest.approx(theirs.curve[0].loss, rel=1e-4)
        now = np.array([10**12], np.int64)
        np.testing.assert_allclose(ours.score([history(3)], now), theirs.score([history(3)], now), rtol=1e-2, atol=1e-2)


def networks_of_the_default_learn() -> None:
    chance = np.random.default_rng(0)
    features = chance.normal(size=(40, 20, 5)).astype(np.float32)
    allowed, wanted = np.ones((40, 20), np.bool_), features[..., 0] > 1
    ours, theirs = (
        learn(features, allowed, wanted, 0, 2, lambda epoch, loss: None, torch.device(name))
        for name in ("fake:0", "cpu")
    )
    assert {each.device.type for each in ours.parameters()} == {"cpu"}
    one, other = (own(torch.from_numpy(features))[..., 0].detach().numpy() for own in (ours, theirs))
    # A constant a list is no part of the loss.
    centred = [scores - scores.mean(axis=1, keepdims=True) for scores in (one, other)]
    np.testing.assert_allclose(centred[0], centred[1], rtol=0, atol=1e-3)


def all_learn() -> None:
    with pytest.MonkeyPatch.context() as patch, fake_cuda(patch):
        named_systems_learn()
        networks_of_the_default_learn()


@pytest.mark.slow
def test_a_device_learns_what_the_cpu_learns() -> None:
    # In a process of its own: torch counts devices when it first goes backward, which another test may have done.
    process = multiprocessing.get_context("spawn").Process(target=all_learn)
    process.start()
    process.join(110)
    assert process.exitcode == 0


@pytest.mark.usefixtures("device")
def test_each_of_several_processes_has_the_gpu_of_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    assert training_device("auto").index == 0
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert [training_device(name).index for name in ("auto", "cuda")] == [1, 1]
    assert training_device("cpu").type == "cpu"
    with pytest.raises(InvalidInput, match="cuda:1 is one GPU for several processes"):
        training_device("cuda:1")
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(InvalidInput, match="--device cuda:2: this machine has 2 CUDA devices"):
        training_device("auto")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", ""])
def test_what_names_no_device_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="not auto, cpu or cuda:N"):
        training_device(name)


@pytest.mark.parametrize(("name", "backend"), [("cuda:1", "nccl"), ("cpu", "gloo")])
def test_gpus_meet_by_nccl_and_cores_by_gloo(name: str, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(torch.cuda, "set_device", asked.append)
    monkeypatch.setattr(distributed, "init_process_group", lambda by, **_: asked.append(by))
    Processes.joined(2, torch.device(name))
    assert asked == [*([torch.device(name)] if backend == "nccl" else []), backend]
