"""A text encoder trained end to end, from a data folder to weights that the service loads."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from modalmesh.errors import InvalidInput
from modalmesh_services.fine_tuning.running import Tell, fine_tune
from modalmesh_services.fine_tuning.training import Diverged
from modalmesh_services.fusion_ranker.systems.interface import Step
from modalmesh_services.text_encoder.loading import LoadedText, load
from modalmesh_services.text_encoder.settings import TextEncoderSettings

from .conftest import EPOCHS, MakeOrder
from .made import encode_texts, style_auc, texts, write_folder

UNSEEN = texts(40, seed=9)
Tuned = dict[str, Any]


def load_text(folder: Path, **options: object) -> LoadedText:
    return load(TextEncoderSettings.model_validate({"model": str(folder), **options}))


def vectors(folder: Path, **options: object) -> np.ndarray:
    """Of texts that nobody has seen in training."""
    return encode_texts(load_text(folder, **options), [text for text, _ in UNSEEN])


def auc(folder: Path) -> float:
    return style_auc(vectors(folder), [style for _, style in UNSEEN])


def tensors(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / "model.safetensors")


def weights_of(document: dict[str, Any]) -> Path:
    return Path(document["weights"])


def changed(base: Path, weights: Path) -> set[str]:
    before, after = tensors(base), tensors(weights)
    assert set(before) == set(after)
    return {name for name in before if not np.array_equal(before[name], after[name])}


@pytest.mark.parametrize("layers", list(EPOCHS))
def test_unseen_texts_of_a_style_come_closer(tuned: Tuned, tiny_bert: Path, layers: str) -> None:
    document = tuned[layers]
    assert auc(tiny_bert) < 0.7
    assert auc(weights_of(document)) > auc(tiny_bert) + 0.15
    assert document["epochs"][document["best_epoch"] - 1]["auc"] > document["base_auc"] + 0.1


@pytest.mark.parametrize("layers", list(EPOCHS))
def test_the_service_loads_the_weights_as_a_space_of_their_own(tuned: Tuned, tiny_bert: Path, layers: str) -> None:
    document = tuned[layers]
    loaded = load_text(weights_of(document))
    assert document["base"]["fingerprint"] == load_text(tiny_bert).fingerprint
    assert document["model"]["fingerprint"] == loaded.fingerprint != document["base"]["fingerprint"]
    assert document["model"]["dim"] == loaded.dim == 32


@pytest.mark.parametrize("layers", ["none", "all"])
def test_openvino_keeps_the_vectors(tuned: Tuned, layers: str) -> None:
    folder = weights_of(tuned[layers])
    fast = vectors(folder, backend="openvino", precision="auto")
    assert (vectors(folder) * fast).sum(axis=1).min() >= 0.999


def test_layers_before_the_trained_ones_stay_bit_for_bit(tuned: Tuned, tiny_bert: Path) -> None:
    names = changed(tiny_bert, weights_of(tuned["last:1"]))
    assert names
    assert all("encoder.layer.1." in name for name in names)


def test_all_layers_are_trained_where_all_are_wanted(tuned: Tuned, tiny_bert: Path) -> None:
    names = changed(tiny_bert, weights_of(tuned["all"]))
    assert {"embeddings.word_embeddings.weight", "encoder.layer.0.attention.self.query.weight"} <= names


def test_a_frozen_network_stays_and_its_head_lies_beside_it(tuned: Tuned, tiny_bert: Path) -> None:
    weights = weights_of(tuned["none"])
    assert not changed(tiny_bert, weights)
    assert load_file(weights / "2_Dense/model.safetensors")["linear.weight"].shape == (32, 32)


def test_a_head_of_the_base_is_trained_further(make_order: MakeOrder, tuned: Tuned) -> None:
    first = weights_of(tuned["none"])
    second = weights_of(fine_tune(replace(make_order("none", epochs=1, seed=3), model=str(first)), Tell()))
    heads = [load_file(folder / "2_Dense/model.safetensors")["linear.weight"] for folder in (first, second)]
    assert not np.array_equal(heads[0], heads[1])
    assert len(json.loads((second / "modules.json").read_text())) == 4


def test_another_seed_gives_other_weights(make_order: MakeOrder, tuned: Tuned) -> None:
    other = fine_tune(make_order("last:1", seed=1), Tell())
    assert changed(weights_of(tuned["last:1"]), weights_of(other))


def test_interrupted_it_goes_on_as_if_it_had_not_been(make_order: MakeOrder, tuned: Tuned) -> None:
    """And so the same seed gives the same weights."""

    def interrupt(step: Step) -> None:
        if step.done == 2:
            raise KeyboardInterrupt

    order = make_order("last:1")
    with pytest.raises(KeyboardInterrupt):
        fine_tune(order, Tell(epoch=interrupt))
    trained: list[int] = []
    notes: list[str] = []
    resumed = fine_tune(order, Tell(notes.append, epoch=lambda step: trained.append(step.done)))
    assert (trained[0], resumed["resumed_after"]) == (3, 2)
    assert "goes on behind epoch 2" in notes[0]
    assert resumed["epochs"] == tuned["last:1"]["epochs"]
    files = [weights_of(document) / "model.safetensors" for document in (tuned["last:1"], resumed)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_what_another_order_left_behind_is_not_gone_on_with(make_order: MakeOrder) -> None:
    def interrupt(step: Step) -> None:
        raise KeyboardInterrupt

    order = make_order("last:1", epochs=3)
    with pytest.raises(KeyboardInterrupt):
        fine_tune(order, Tell(epoch=interrupt))
    document = fine_tune(replace(order, schedule=replace(order.schedule, epochs=1)), Tell())
    assert document["resumed_after"] == 0
    assert [path.name for path in order.out.parent.iterdir()] == ["weights"]


def test_it_stops_when_epochs_get_no_better_and_keeps_the_best(tuned: Tuned) -> None:
    document = tuned["none"]
    judged = [epoch["auc"] for epoch in document["epochs"]]
    best = int(np.argmax(judged))
    assert document["best_epoch"] == best + 1
    assert len(judged) == best + 3 < EPOCHS["none"]


def test_a_pull_keeps_the_weights_near_the_base(make_order: MakeOrder, tuned: Tuned, tiny_bert: Path) -> None:
    def moved(document: dict[str, Any]) -> float:
        before, after = tensors(tiny_bert), tensors(weights_of(document))
        return float(sum(np.abs(after[name] - before[name]).sum() for name in before))

    pulled = fine_tune(make_order("last:1", pull=300.0), Tell())
    assert moved(pulled) < 0.5 * moved(tuned["last:1"])


def test_weights_that_are_there_are_not_written_over(make_order: MakeOrder) -> None:
    order = make_order("all")
    order.out.mkdir()
    with pytest.raises(InvalidInput, match="is there already"):
        fine_tune(order, Tell())


def test_a_base_that_can_not_be_loaded_is_named(make_order: MakeOrder, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="there is no such folder") as caught:
        fine_tune(replace(make_order("all"), model=str(tmp_path / "missing")), Tell())
    assert caught.value.field == "model"


def test_a_rate_that_is_too_high_is_told(make_order: MakeOrder) -> None:
    with pytest.raises(Diverged, match="lower learning rate"):
        fine_tune(make_order("all", learning_rate=1e38), Tell())


def test_with_too_little_to_hold_out_the_last_epoch_is_kept(make_order: MakeOrder, tmp_path: Path) -> None:
    items = [{"item_id": f"item-{number}", "title": text} for number, (text, _) in enumerate(texts(4, seed=1))]
    folder = write_folder(tmp_path / "few", items, [("ada", "item-0"), ("ada", "item-2"), ("bob", "item-1")])
    document = fine_tune(replace(make_order("last:1", epochs=2), folder=folder), Tell())
    assert (document["best_epoch"], document["base_auc"]) == (2, None)
    assert "Too little is liked" in document["consequences"][0]


def test_that_nothing_got_better_is_said(make_order: MakeOrder) -> None:
    document = fine_tune(make_order("last:1", epochs=1, learning_rate=1e-12), Tell())
    assert "No epoch was better than the base model" in document["consequences"][0]
    assert document["model"]["fingerprint"] != document["base"]["fingerprint"]


def test_the_folder_says_how_it_came_about(tuned: Tuned) -> None:
    document = tuned["last:1"]
    report = json.loads((weights_of(document) / "fine_tuning.json").read_text())
    assert report["base"] == document["base"]
    assert (report["layers"], report["epochs"]) == ("last:1", document["epochs"])
