"""Data to a bundle, by a system that counts likes."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modalmesh.errors import InvalidInput
from modalmesh_services.fusion_ranker.bundle import read_bundle
from modalmesh_services.fusion_ranker.bundle.contents import FILES
from modalmesh_services.fusion_ranker.bundle.manifest import MANIFEST
from modalmesh_services.fusion_ranker.bundle.serving import load_bundle
from modalmesh_services.fusion_ranker.dataset import Interactions
from modalmesh_services.fusion_ranker.dataset.reading import Dataset
from modalmesh_services.fusion_ranker.job.choosing import Chosen
from modalmesh_services.fusion_ranker.job.data import Prepared
from modalmesh_services.fusion_ranker.job.lines import Lines
from modalmesh_services.fusion_ranker.systems.interface import Step
from modalmesh_services.fusion_ranker.training.training import Outcome, train, training_of
from tests.unit.fusion_ranker.tiny.learning import NAME, TinyFitted, TinySystem
from tests.unit.fusion_ranker.worlds import ENCODERS, dataset

pytestmark = pytest.mark.usefixtures("tiny_system")


class Interrupting(Lines):
    """Ctrl-C after so many steps."""

    def __init__(self, after: int) -> None:
        super().__init__(io.StringIO())
        self._left = after

    def step(self, step: Step) -> None:
        self._left -= 1
        if self._left < 0:
            raise KeyboardInterrupt


def trained(out: Path, data: Dataset | None = None, lines: Lines | None = None, **settings: int) -> Outcome:
    chosen = Chosen(NAME, TinySystem(**settings))
    outcome = train(Prepared(data or dataset(), ENCODERS), chosen, out, lines or Lines(io.StringIO()))
    assert outcome is not None
    return outcome


def contents(bundle: Path) -> dict[str, bytes]:
    return {name: (bundle / name).read_bytes() for name in (MANIFEST, *FILES)}


def test_a_training_leaves_a_bundle_that_loads_and_nothing_else(tmp_path: Path) -> None:
    outcome = trained(tmp_path / "bundle")
    assert load_bundle(tmp_path / "bundle").description.revision == outcome.revision
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    assert outcome.data == {
        "items": 60,
        "items_with_text": 60,
        "items_with_picture": 60,
        "users": 40,
        "events": 640,
        "positive_events": 600,
    }


def test_the_bundle_says_by_what_it_was_learned_and_how_it_went(tmp_path: Path) -> None:
    trained(tmp_path / "bundle", epochs=4)
    bundle = read_bundle(tmp_path / "bundle")
    assert (bundle.learned.system, bundle.learned.configuration) == (NAME, {"epochs": 4, "seed": 0})
    assert (bundle.encoders, bundle.parts.item_ids[:2]) == (ENCODERS, ("i0", "i1"))
    assert [step["done"] for step in bundle.metrics["steps"]] == [1, 2, 3, 4]
    assert bundle.metrics["stages"]["count"] == {
        "steps": 4,
        "loss": 0.25,
        "validation": 0.4,
        "validated_by": "ndcg@10",
    }


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_revision(tmp_path: Path) -> None:
    first, again, other = (trained(tmp_path / name, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert first.revision == again.revision != other.revision


def test_an_interrupted_training_goes_on_and_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "bundle", lines=Interrupting(1))
    assert not (tmp_path / "bundle").exists()
    told = io.StringIO()
    trained(tmp_path / "bundle", lines=Lines(told))
    lines = [json.loads(line) for line in told.getvalue().splitlines()]
    assert "An interrupted training goes on" in lines[0]["note"]
    assert [line["step"]["done"] for line in lines[1:]] == [3]
    trained(tmp_path / "whole")
    assert contents(tmp_path / "bundle") == contents(tmp_path / "whole")


def test_other_data_or_another_configuration_begin_anew(tmp_path: Path) -> None:
    for changed in ({"data": dataset(seed=1)}, {"seed": 7}):
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path / "bundle", lines=Interrupting(1))
        told = io.StringIO()
        trained(tmp_path / "bundle", lines=Lines(told), **changed)
        assert len(told.getvalue().splitlines()) == 3


def test_every_step_is_told(tmp_path: Path) -> None:
    told = io.StringIO()
    trained(tmp_path / "bundle", lines=Lines(told))
    steps: list[dict[str, Any]] = [json.loads(line)["step"] for line in told.getvalue().splitlines()]
    assert [(step["stage"], step["done"], step["total"]) for step in steps] == [("count", n, 3) for n in (1, 2, 3)]
    assert [step["loss"] for step in steps] == [1.0, 0.5, 1 / 3]


def test_what_cannot_be_served_is_found_out_by_who_trained_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = TinyFitted.parts
    monkeypatch.setattr(TinyFitted, "parts", lambda self: replace(whole(self), item_ids=("i0",)))
    with pytest.raises(InvalidInput, match="tiny can't rank"):
        trained(tmp_path / "bundle")


def test_equal_times_mean_no_order() -> None:
    whole = dataset()
    flat = tuple(replace(each, times_ms=np.ones_like(each.times_ms)) for each in whole.interactions.histories)
    assert training_of(whole).has_order
    assert not training_of(replace(whole, interactions=Interactions(flat))).has_order


def test_of_several_processes_only_the_first_writes(tmp_path: Path) -> None:
    prepared, chosen = Prepared(dataset(), ENCODERS), Chosen(NAME, TinySystem())
    assert train(prepared, chosen, tmp_path / "bundle", Lines(io.StringIO()), first=False) is None
    assert not (tmp_path / "bundle").exists()
