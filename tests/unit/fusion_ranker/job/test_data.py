"""A folder gets the vectors that a mesh has of it."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from modalmesh.embeddings import ModelId
from modalmesh.errors import InvalidInput, NotFound
from modalmesh.local import borrowing
from modalmesh_services.fusion_ranker.job.data import Prepared, Source, prepare
from modalmesh_services.fusion_ranker.job.lines import Lines
from tests.unit.client.scripted_gateway import ScriptedGateway
from tests.unit.fusion_ranker.job.served import serve
from tests.unit.fusion_ranker.worlds import ENCODERS, embeddings, write_folder


@pytest.fixture
def gateway() -> Iterator[ScriptedGateway]:
    running = ScriptedGateway()
    yield running
    running.stop()


@pytest.fixture
def source(tmp_path: Path, gateway: ScriptedGateway) -> Source:
    return Source(write_folder(tmp_path / "data"), tmp_path / "home", address=gateway.address)


def prepared(source: Source) -> tuple[Prepared, list[str]]:
    """And the notes."""
    out = io.StringIO()
    data = prepare(source, Lines(out))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    return data, [line["note"] for line in lines if "note" in line]


def test_each_item_has_its_vectors_and_their_models_are_known(source: Source, gateway: ScriptedGateway) -> None:
    vectors = embeddings()
    serve(gateway, vectors)
    data, notes = prepared(source)
    assert (data.encoders, notes) == (ENCODERS, [])
    np.testing.assert_array_equal(data.dataset.catalogue.text.vectors, vectors.text.vectors)
    np.testing.assert_array_equal(data.dataset.catalogue.image.vectors, vectors.image.vectors)


def test_without_pictures_the_consequence_is_said_and_the_serving_encoder_counts(
    source: Source, gateway: ScriptedGateway
) -> None:
    serve(gateway, embeddings(), pictures=False)
    data, notes = prepared(source)
    assert notes == ["No item has a picture: nothing is learned from pictures."]
    assert data.dataset.consequences == tuple(notes)
    assert (data.encoders.image, data.encoders.image_dim) == (ModelId("effnet", "i9"), 7)


def test_items_that_the_mesh_lacks_are_counted(source: Source, gateway: ScriptedGateway) -> None:
    serve(gateway, embeddings(items=50))
    assert prepared(source)[1] == ["10 of 60 items have no vector in the mesh."]


def test_a_mesh_of_other_items_is_refused_and_the_message_says_how_to_bring_these_in(
    source: Source, gateway: ScriptedGateway
) -> None:
    gateway.answers["GetEmbeddings"] = []
    with pytest.raises(NotFound, match=r"has no item of .*modalmesh ingest .* --namespace default"):
        prepared(source)


def test_data_from_which_nothing_can_be_learned_are_refused_before_a_mesh_is_started(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(borrowing, "start_mesh", lambda *_, **__: pytest.fail("a mesh was started"))
    (source.folder / "interactions.csv").write_text("user_id,item_id,timestamp,rating\nada,i1,1,5\n")
    with pytest.raises(InvalidInput) as refused:
        prepare(Source(source.folder, source.home), Lines(io.StringIO()))
    assert refused.value.reason == "ONE_CLASS"


def test_lines_and_events_that_are_left_out_are_told(source: Source, gateway: ScriptedGateway) -> None:
    serve(gateway, embeddings())
    with (source.folder / "items.jsonl").open("a") as file:
        file.write("{torn\n")
    with (source.folder / "interactions.csv").open("a") as file:
        file.write("ada,ghost,1,5\n")
    notes = prepared(source)[1]
    assert notes[0].startswith("1 lines are left out; the first is items.jsonl:61")
    assert notes[1].startswith("1 events are left out")
