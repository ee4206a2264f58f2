"""A text encoder trained end to end, from a data folder to weights that the service loads."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from modalmesh.errors import InvalidInput
from modalmesh_services.fine_tuning.layers import Layers
from modalmesh_services.fine_tuning.running import Order, Tell, fine_tune
from modalmesh_services.fine_tuning.training import Diverged, Schedule
from modalmesh_services.fusion_ranker.systems.interface import Step

from .conftest import load_text
from .made import encode_texts, style_auc, texts, write_folder

UNSEEN = texts(40, seed=9)
ORDERS = {"none": (30, 1e-2), "last:1": (6, 3e-3), "all": (6, 3e-3)}
"""Epochs and learning rates that a tiny network needs; real ones need far less."""


@pytest.fixture
def order(tmp_path: Path, texts_folder: Path, tiny_bert: Path) -> Callable[..., Order]:
    def make(layers: str, out: str = "weights", **changes: Any) -> Order:
        epochs, rate = ORDERS[layers]
        schedule = Schedule(**{"epochs": epochs, "learning_rate": rate, "seed": 0, "pull": 0.0, **changes})
        return Order(texts_folder, tmp_path / out, "text", Layers.parse(layers), str(tiny_bert), schedule=schedule)

    return make


def auc(folder: Path) -> float:
    """Of texts that nobody has seen in training."""
    return style_auc(encode_texts(load_text(folder), [text for text, _ in UNSEEN]), [style for _, style in UNSEEN])


def tensors(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize("layers", ["none", "last:1", "all"])
def test_unseen_texts_of_a_style_come_closer(order: Callable[..., Order], tiny_bert: Path, layers: str) -> None:
    document = fine_tune(order(layers), Tell())
    weights = Path(document["weights"])
    assert auc(tiny_bert) < 0.7
    assert auc(weights) > auc(tiny_bert) + 0.15
    assert document["epochs"][document["best_epoch"] - 1]["auc"] > document["base_auc"] + 0.1


def test_the_service_loads_the_weights_as_a_space_of_their_own(order: Callable[..., Order], tiny_bert: Path) -> None:
    document = fine_tune(order("last:1", epochs=1), Tell())
    loaded = load_text(Path(document["weights"]))
    assert document["base"]["fingerprint"] == load_text(tiny_bert).fingerprint
    assert document["model"]["fingerprint"] == loaded.fingerprint != document["base"]["fingerprint"]
    assert document["model"]["dim"] == loaded.dim == 32


def test_layers_before_the_trained_ones_stay_bit_for_bit(order: Callable[..., Order], tiny_bert: Path) -> None:
    document = fine_tune(order("last:1", epochs=1), Tell())
    before, after = tensors(tiny_bert), tensors(Path(document["weights"]))
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert set(before) == set(after)
    assert changed
    assert all("encoder.layer.1." in name for name in changed)


def test_a_frozen_network_stays_and_its_head_lies_beside_it(order: Callable[..., Order], tiny_bert: Path) -> None:
    weights = Path(fine_tune(order("none", epochs=1), Tell())["weights"])
    before, after = tensors(tiny_bert), tensors(weights)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert load_file(weights / "2_Dense/model.safetensors")["linear.weight"].shape == (32, 32)


def test_a_head_of_the_base_is_trained_further(order: Callable[..., Order], tmp_path: Path) -> None:
    first = Path(fine_tune(order("none", epochs=1), Tell())["weights"])
    weights = Path(fine_tune(replace(order("none", "second", epochs=1, seed=3), model=str(first)), Tell())["weights"])
    heads = [load_file(folder / "2_Dense/model.safetensors")["linear.weight"] for folder in (first, weights)]
    assert not np.array_equal(heads[0], heads[1])
    assert len(json.loads((weights / "modules.json").read_text())) == 4


@pytest.mark.parametrize("backend", ["torch", "openvino"])
@pytest.mark.parametrize("layers", ["none", "all"])
def test_every_backend_keeps_the_vectors(order: Callable[..., Order], backend: str, layers: str) -> None:
    weights = Path(fine_tune(order(layers, epochs=1), Tell())["weights"])
    exact = encode_texts(load_text(weights), [text for text, _ in UNSEEN])
    fast = encode_texts(load_text(weights, backend=backend, precision="auto"), [text for text, _ in UNSEEN])
    assert (exact * fast).sum(axis=1).min() >= 0.999


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(order: Callable[..., Order]) -> None:
    folders = [
        Path(fine_tune(order("last:1", out, epochs=1, seed=seed), Tell())["weights"])
        for out, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    contents = [(folder / "model.safetensors").read_bytes() for folder in folders]
    assert contents[0] == contents[1] != contents[2]
    assert load_text(folders[0]).fingerprint == load_text(folders[1]).fingerprint


def test_interrupted_it_goes_on_as_if_it_had_not_been(order: Callable[..., Order]) -> None:
    whole = fine_tune(order("last:1", "whole", epochs=3), Tell())

    def interrupt(step: Step) -> None:
        if step.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fine_tune(order("last:1", epochs=3), Tell(epoch=interrupt))
    trained: list[int] = []
    notes: list[str] = []
    resumed = fine_tune(order("last:1", epochs=3), Tell(notes.append, epoch=lambda step: trained.append(step.done)))
    assert (trained, resumed["resumed_after"]) == ([3], 2)
    assert "goes on behind epoch 2" in notes[0]
    assert resumed["epochs"] == whole["epochs"]
    files = [Path(document["weights"]) / "model.safetensors" for document in (whole, resumed)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_what_another_order_left_behind_is_not_gone_on_with(order: Callable[..., Order]) -> None:
    def interrupt(step: Step) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fine_tune(order("last:1", epochs=3), Tell(epoch=interrupt))
    assert fine_tune(order("last:1", epochs=2), Tell())["resumed_after"] == 0


def test_it_stops_when_epochs_get_no_better_and_keeps_the_best(order: Callable[..., Order]) -> None:
    document = fine_tune(order("last:1", epochs=40), Tell())
    judged = [epoch["auc"] for epoch in document["epochs"]]
    best = int(np.argmax(judged))
    assert document["best_epoch"] == best + 1
    assert len(judged) == best + 3 < 40


def test_a_pull_keeps_the_weights_near_the_base(order: Callable[..., Order], tiny_bert: Path) -> None:
    def moved(pull: float) -> float:
        document = fine_tune(order("last:1", f"pull-{pull}", epochs=2, pull=pull), Tell())
        before, after = tensors(tiny_bert), tensors(Path(document["weights"]))
        return float(sum(np.abs(after[name] - before[name]).sum() for name in before))

    assert moved(300.0) < 0.5 * moved(0.0)


def test_weights_that_are_there_are_not_written_over(order: Callable[..., Order], tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    with pytest.raises(InvalidInput, match="is there already"):
        fine_tune(order("all"), Tell())


def test_a_base_that_can_not_be_loaded_is_named(order: Callable[..., Order], tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="there is no such folder") as caught:
        fine_tune(replace(order("all"), model=str(tmp_path / "missing")), Tell())
    assert caught.value.field == "model"


def test_a_rate_that_is_too_high_is_told(order: Callable[..., Order]) -> None:
    with pytest.raises(Diverged, match="lower learning rate"):
        fine_tune(order("all", learning_rate=1e38), Tell())


def test_with_too_little_to_hold_out_the_last_epoch_is_kept(order: Callable[..., Order], tmp_path: Path) -> None:
    items = [{"item_id": f"item-{number}", "title": text} for number, (text, _) in enumerate(texts(4, seed=1))]
    folder = write_folder(tmp_path / "few", items, [("ada", "item-0"), ("ada", "item-2"), ("bob", "item-1")])
    document = fine_tune(replace(order("last:1", epochs=2), folder=folder), Tell())
    assert (document["best_epoch"], document["base_auc"]) == (2, None)
    assert "Too little is liked" in document["consequences"][0]


def test_that_nothing_got_better_is_said(order: Callable[..., Order]) -> None:
    document = fine_tune(order("last:1", epochs=1, learning_rate=1e-12), Tell())
    assert "No epoch was better than the base model" in document["consequences"][0]
    assert document["model"]["fingerprint"] != document["base"]["fingerprint"]


def test_the_folder_says_how_it_came_about(order: Callable[..., Order]) -> None:
    document = fine_tune(order("last:1", epochs=1), Tell())
    report = json.loads((Path(document["weights"]) / "fine_tuning.json").read_text())
    assert report["base"] == document["base"]
    assert (report["layers"], report["epochs"]) == ("last:1", document["epochs"])
    assert not list(Path(document["weights"]).parent.glob(".*.training"))
