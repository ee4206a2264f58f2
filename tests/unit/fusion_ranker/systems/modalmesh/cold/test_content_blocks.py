import numpy as np
import pytest
from scipy import sparse

from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content import TIME, Vectors, content_of, schema_of
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.content_blocks import Bag, ContentBlocks, DenseBlock, Hats
from modalmesh_services.fusion_ranker.systems.modalmesh.cold.kinds import BAG_WIDTH, KindSpace, Sketch
from tests.unit.fusion_ranker.systems.modalmesh.cold.made import cold_rows, world

ALL = np.ones(50, np.bool_)


def made_vectors() -> Vectors:
    values = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32) + 3
    present = np.arange(50) % 4 > 0
    return Vectors(np.where(present[:, None], values, 0), present)


def test_vectors_become_axes_of_length_1_and_absent_ones_zeros() -> None:
    vectors = made_vectors()
    block = DenseBlock.fit(vectors, ALL, 6)
    assert block
    rows = block.transform(vectors)
    assert np.square(rows[vectors.present]).sum(axis=1).mean() == pytest.approx(1, rel=1e-4)
    assert rows[vectors.present].mean(axis=0) == pytest.approx(0, abs=1e-5)
    assert not rows[~vectors.present].any()


def test_what_is_not_trainable_has_no_part_in_axes() -> None:
    vectors, rows = made_vectors(), np.arange(50) < 40
    changed = Vectors(np.where(rows[:, None], vectors.values, 99), vectors.present)
    both = DenseBlock.fit(vectors, rows, 3), DenseBlock.fit(changed, rows, 3)
    assert both[0]
    assert both[1]
    np.testing.assert_array_equal(both[0].axes, both[1].axes)


def test_values_of_fewer_than_three_items_fall_out_as_identifiers_do() -> None:
    values = np.eye(6, 4, dtype=np.float32)
    values[:3, 3] = 1
    bag = Bag.fit(sparse.csr_array(values), np.ones(6, np.bool_), 3)
    assert bag
    assert bag.columns.tolist() == [3]


def test_hats_interpolate_between_quantiles_and_absent_is_the_median() -> None:
    hats = Hats.fit(np.array([0, 10, 20, np.nan], np.float32), np.ones(4, np.bool_), 3)
    assert hats
    found = hats.transform(np.array([0, 5, 18, np.nan, 99], np.float32))
    expected = np.array([[1, 0, 0], [0.5, 0.5, 0], [0, 0.2, 0.8], [0, 1, 0], [0, 0, 1]])
    np.testing.assert_allclose(found, np.array(expected, np.float32), atol=1e-6)


def test_one_value_alone_is_no_number() -> None:
    assert Hats.fit(np.full(5, 7, np.float32), np.ones(5, np.bool_), 3) is None


def test_blocks_of_a_catalogue_take_its_texts_pictures_attributes_and_times() -> None:
    catalogue = world().catalogue
    content = content_of(catalogue, schema_of(catalogue))
    blocks = ContentBlocks.fit(content, ~cold_rows(len(catalogue)))
    assert set(blocks.dense) == {"title", "tags", "image"}
    assert set(blocks.bags) == {"cast", "genre", "tags"}
    assert set(blocks.hats) == {TIME, "price"}


def test_a_sketch_keeps_products_of_bags() -> None:
    random = np.random.default_rng(0)
    bag = sparse.csr_array((random.random((40, 900)) < 0.02).astype(np.float32))
    exact = Sketch.of(np.ones(900, np.float32), 900).transform(bag)
    short = Sketch.of(np.ones(900, np.float32), 256).transform(bag)
    assert short.shape == (40, 256)
    assert np.abs(short @ short.T - exact @ exact.T).mean() < 0.06
    assert np.linalg.norm(short, axis=1) == pytest.approx(1, abs=1e-5)


def test_kinds_stay_short_however_many_attributes_there_are() -> None:
    random = np.random.default_rng(0)
    catalogue = world().catalogue
    content = content_of(catalogue, schema_of(catalogue))
    wide = {f"a{place}": sparse.csr_array((random.random((120, 300)) < 0.1).astype(np.float32)) for place in range(12)}
    object.__setattr__(content, "bags", wide)
    blocks = ContentBlocks.fit(content, np.ones(120, np.bool_))
    kinds = KindSpace.fit(blocks, blocks.transform(content)).transform(blocks.transform(content))
    widths = [own.shape[1] for name, own in kinds.items() if name.startswith("attributes.")]
    assert len(widths) == 8
    assert sum(widths) <= BAG_WIDTH
