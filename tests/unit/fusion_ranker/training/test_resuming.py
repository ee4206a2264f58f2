"""Trainings of the real systems that end half way and are begun again: the bundle is that of one that went through."""

import io
from collections.abc import Mapping
from pathlib import Path

import pytest

from modalmesh_services.fusion_ranker.bundle.contents import FILES
from modalmesh_services.fusion_ranker.bundle.manifest import MANIFEST
from modalmesh_services.fusion_ranker.job.choosing import choose
from modalmesh_services.fusion_ranker.job.data import Prepared
from modalmesh_services.fusion_ranker.job.lines import Lines
from modalmesh_services.fusion_ranker.systems.interface import Step
from modalmesh_services.fusion_ranker.training.training import train
from tests.unit.fusion_ranker.systems.multimodal.made import TINY
from tests.unit.fusion_ranker.worlds import ENCODERS, dataset

SYSTEMS: Mapping[str, Mapping[str, object]] = {
    "modalmesh": {"epochs": 2, "networks": 2},
    "MultiModalAttention": {**TINY, "epochs": 3},
}


class Told(Lines):
    """Ctrl-C once a step of the given name is `done`; keeps all steps before."""

    def __init__(self, stage: str = "", done: int = 0) -> None:
        super().__init__(io.StringIO())
        self._last = stage, done
        self.steps: list[tuple[str, int]] = []
        self.notes: list[str] = []

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)

    def step(self, step: Step) -> None:
        self.steps.append((step.stage, step.done))
        if self.steps[-1] == self._last:
            raise KeyboardInterrupt


def trained(system: str, out: Path, lines: Lines) -> dict[str, bytes]:
    """All that lies in the bundle."""
    prepared = Prepared(dataset(users=20, items=32), ENCODERS)
    assert train(prepared, choose(system, SYSTEMS[system]), out, lines) is not None
    return {name: (out / name).read_bytes() for name in (MANIFEST, *FILES)}


@pytest.mark.parametrize(
    ("system", "stage", "done", "again"),
    [
        # The first of two networks is kept, the second one begins anew; features are worked out again.
        ("modalmesh", "warm items", 4, ["features of warm items", "warm items", "warm items", "cold items"]),
        ("MultiModalAttention", "epochs", 2, ["epochs"]),
    ],
)
def test_what_was_learned_before_an_interruption_is_not_learned_again_and_the_bundle_is_the_same(
    tmp_path: Path, system: str, stage: str, done: int, again: list[str]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        trained(system, tmp_path / "bundle", Told(stage, done))
    assert not (tmp_path / "bundle").exists()
    resumed, whole = Told(), Told()
    assert trained(system, tmp_path / "bundle", resumed) == trained(system, tmp_path / "whole", whole)
    assert [stage for stage, _ in resumed.steps] == again
    assert len(resumed.steps) < len(whole.steps)
    assert ["An interrupted training goes on" in note for note in resumed.notes] == [True]
    assert (whole.notes, sorted(path.name for path in tmp_path.iterdir())) == ([], ["bundle", "whole"])
