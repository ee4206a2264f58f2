from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modalmesh.embeddings import Embeddings, ModelId
from modalmesh.types import Item
from modalmesh_gateway import building
from modalmesh_gateway.building import Basis, portions
from modalmesh_gateway.ports import FuseInput
from modalmesh_gateway.store import ItemRecord, TokenVectors

_MIB = 1024 * 1024


def fuse_input(rows: int, values: int = 0, dim: int = 1280) -> FuseInput:
    # Nothing is written to it, so that it takes no memory.
    vectors = Embeddings(np.zeros((rows, dim), dtype=np.float32), ModelId("m", "f"))
    item = Item("mug", attributes={"colour": ("red",) * values})
    return FuseInput(item, None, TokenVectors(vectors, ("picture",) * rows, ("hash",) * rows))


@given(st.lists(st.integers(1, 3000), max_size=600))
def test_every_input_is_in_one_portion_in_order(rows: list[int]) -> None:
    inputs = [fuse_input(number, dim=8) for number in rows]
    cut = [list(portion) for portion in portions(inputs)]
    assert [each for portion in cut for each in portion] == inputs
    assert all(1 <= len(portion) <= 256 for portion in cut)


def test_a_portion_fits_into_a_message() -> None:
    inputs = [fuse_input(rows=132) for _ in range(256)]
    sizes = [sum(each.image.embeddings.values.nbytes for each in portion if each.image) for portion in portions(inputs)]
    assert len(sizes) == 6
    assert max(sizes) <= 32 * _MIB


def test_attributes_count_too() -> None:
    inputs = [fuse_input(rows=1, values=16_384) for _ in range(32)]
    values = [sum(len(each.item.attributes["colour"]) for each in portion) for portion in portions(inputs)]
    assert max(values) <= 262_144


def test_tags_come_as_an_attribute_where_there_are_any() -> None:
    basis = Basis("ranker", "text", "image")
    record = ItemRecord(
        Item("mug", tags=("blue", "big"), attributes={"size": ("1",)}), "", None, None, None, "", frozenset()
    )
    assert basis.input_of(record).item.attributes == {"size": ("1",), "tags": ("blue", "big")}
    bare = replace(record, item=Item("mug", attributes={"size": ("1",)}))
    assert basis.input_of(bare).item.attributes == {"size": ("1",)}


def test_an_input_larger_than_a_portion_goes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "_FUSE_BYTES", 1)
    assert [len(portion) for portion in portions([fuse_input(1), fuse_input(1)])] == [1, 1]
