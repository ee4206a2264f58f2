"""Two processes learn what one learns, as torchrun starts them."""

import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
from torch import distributed

from modalmesh.errors import InvalidInput
from modalmesh_services.fusion_ranker.requests import Floats as Doubles
from modalmesh_services.fusion_ranker.systems.multimodal.learning import system
from modalmesh_services.fusion_ranker.systems.multimodal.trained import TrainedMultimodal
from tests.unit.fusion_ranker.systems.multimodal.made import TINY, training

CHANGES = {
    **TINY,
    "alignment.kind": "contrastive_adversarial",
    "balance.gates": True,
    "held_out": 4,
    "shards": 4,
}


def learned() -> TrainedMultimodal:
    return system("MultiModalProductRecommender", CHANGES).fit(training())


def curve_of(trained: TrainedMultimodal) -> Doubles:
    return np.array([(epoch.loss, epoch.validation) for epoch in trained.curve], np.float64)


def one_of_two(rank: int, folder: Path) -> None:
    os.environ.update(RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", GLOO_SOCKET_IFNAME="lo")
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    try:
        trained = learned()
        np.savez(folder / f"{rank}.npz", **dict(trained.parts().arrays))  # type: ignore[arg-type]
        np.save(folder / f"{rank}-curve.npy", curve_of(trained))
        if rank == 0:
            refused = system("MultiModalProductRecommender", {**CHANGES, "shards": 1})
            with pytest.raises(InvalidInput, match="fewer than the 2 processes"):
                refused.fit(training())
    finally:
        distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_have_the_curve_of_one_and_the_same_weights(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    both = [spawn.Process(target=one_of_two, args=(rank, tmp_path)) for rank in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(100)
    assert [process.exitcode for process in both] == [0, 0]
    alone = curve_of(learned())
    for rank in range(2):
        np.testing.assert_allclose(np.load(tmp_path / f"{rank}-curve.npy"), alone, rtol=1e-4)
    with np.load(tmp_path / "0.npz") as one, np.load(tmp_path / "1.npz") as other:
        assert {name for name in one.files if not np.array_equal(one[name], other[name])} == set()
