from pathlib import Path

import torch

from modalmesh_services.common.backends.tensor_groups import optimizer_tensors, restore_optimizer
from modalmesh_services.fine_tuning.checkpoint import (
    Checkpoint,
    Epoch,
    Progress,
)


def progress() -> Progress:
    tensors = {"network.weight": torch.arange(6.0).reshape(2, 3)}
    best = {"network.weight": torch.ones(2, 3)}
    epochs = [Epoch(1, 2.5, 0.7), Epoch(2, 2.25, 0.6)]
    return Progress(epochs, 1, 0.5, tensors, best, {"0/step": torch.tensor(3.0)})


def test_what_was_written_is_read(tmp_path: Path) -> None:
    Checkpoint(tmp_path / "new", "key").write(progress())
    found = Checkpoint(tmp_path / "new", "key").read()
    assert found is not None
    assert (found.epochs, found.best_epoch, found.base_auc) == (progress().epochs, 1, 0.5)
    for part in ("current", "best", "optimizer"):
        wanted, got = getattr(progress(), part), getattr(found, part)
        assert set(wanted) == set(got)
        assert all(torch.equal(got[name], wanted[name]) for name in wanted)


def test_another_trainings_is_not_seen(tmp_path: Path) -> None:
    Checkpoint(tmp_path, "key").write(progress())
    assert Checkpoint(tmp_path, "other").read() is None


def test_nothing_and_a_torn_file_are_none(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, "key")
    assert checkpoint.read() is None
    checkpoint.write(progress())
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-5])
    assert checkpoint.read() is None


def test_an_optimizer_goes_on_as_if_nothing_had_been() -> None:
    def train(steps: int, resumed_at: int = -1) -> torch.Tensor:
        weight = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        optimizer = torch.optim.AdamW([weight], lr=0.1)
        for step in range(steps):
            if step == resumed_at:
                tensors = optimizer_tensors(optimizer)
                optimizer = torch.optim.AdamW([weight], lr=0.1)
                restore_optimizer(optimizer, tensors)
            optimizer.zero_grad()
            (weight**2 * (step + 1)).sum().backward()  # type: ignore[no-untyped-call] # torch's own
            optimizer.step()
        return weight.detach()

    assert torch.equal(train(6), train(6, resumed_at=3))
