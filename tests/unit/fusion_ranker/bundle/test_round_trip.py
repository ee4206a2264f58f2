import math
import string
from pathlib import Path

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modalmesh.errors import InvalidInput, NotFound
from modalmesh_services.fusion_ranker.bundle import check_writable, read_bundle
from modalmesh_services.fusion_ranker.bundle.contents import FILES, parts_of, to_files
from modalmesh_services.fusion_ranker.bundle.manifest import MANIFEST
from modalmesh_services.fusion_ranker.systems.interface import Parts
from tests.unit.fusion_ranker.bundle.bundles import ENCODERS, LEARNED, METRICS, PARTS, write

NUMBERS = st.sampled_from(
    [np.dtype(name) for name in ("bool", "int8", "uint8", "int32", "int64", "float16", "float32", "float64")]
)
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
ARRAYS = st.dictionaries(
    st.text(string.ascii_lowercase + "._", min_size=1, max_size=8),
    NUMBERS.flatmap(lambda dtype: arrays.arrays(dtype, SHAPES)),
    max_size=4,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
PARTS_OF_ANY_KIND = st.builds(
    Parts, st.dictionaries(st.text(), JSON, max_size=4), ARRAYS, st.lists(st.text(), max_size=5).map(tuple)
)


@given(PARTS_OF_ANY_KIND)
@settings(max_examples=60, deadline=None)
def test_what_was_written_is_read(parts: Parts) -> None:
    read = parts_of(to_files(parts, {}, ""))
    assert (dict(read.settings), read.item_ids) == (parts.settings, parts.item_ids)
    assert set(read.arrays) == set(parts.arrays)
    for key, array in parts.arrays.items():
        assert (read.arrays[key].dtype, read.arrays[key].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(read.arrays[key], array)


def test_an_array_in_columns_or_with_steps_is_read_as_it_was(tmp_path: Path) -> None:
    columns, steps = np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(10)[::3]
    write(tmp_path / "bundle", Parts({}, {"columns": columns, "steps": steps}, ()))
    read = read_bundle(tmp_path / "bundle").parts.arrays
    assert (read["columns"].tolist(), read["steps"].tolist()) == (columns.tolist(), steps.tolist())


def test_a_bundle_says_what_it_is_and_for_whom(tmp_path: Path) -> None:
    revision = write(tmp_path / "bundle")
    bundle = read_bundle(tmp_path / "bundle")
    assert bundle.parts.item_ids == PARTS.item_ids
    assert (bundle.learned, bundle.encoders, bundle.metrics) == (LEARNED, ENCODERS, METRICS)
    assert (bundle.made_for.name, bundle.made_for.revision) == ("modalmesh", revision)
    assert (bundle.made_for.text.fingerprint, bundle.made_for.image_dim) == ("t1", 6)


def test_the_same_contents_give_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "one")
    write(tmp_path / "two")
    for name in (MANIFEST, *FILES):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_revision_changes_with_what_scores_depend_on_and_not_with_the_report(tmp_path: Path) -> None:
    first = write(tmp_path / "first")
    other = Parts(PARTS.settings, {**PARTS.arrays, "items": PARTS.arrays["items"] * 2}, PARTS.item_ids)
    assert write(tmp_path / "drawn-anew", report="<p>another page") == first
    assert write(tmp_path / "other-numbers", other) != first
    assert write(tmp_path / "other-words", Parts({}, PARTS.arrays, PARTS.item_ids)) != first
    assert write(tmp_path / "other-ids", Parts(PARTS.settings, PARTS.arrays, ("lamp", "chair", "table"))) != first


def test_a_bundle_takes_the_place_of_another(tmp_path: Path) -> None:
    write(tmp_path / "bundle")
    later = write(tmp_path / "bundle", Parts({}, {}, ()))
    assert read_bundle(tmp_path / "bundle").revision == later
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_link_to_a_bundle_stays_a_link(tmp_path: Path) -> None:
    write(tmp_path / "first")
    (tmp_path / "current").symlink_to("first")
    revision = write(tmp_path / "current", Parts({}, {}, ()))
    assert (tmp_path / "current").is_symlink()
    assert read_bundle(tmp_path / "current").revision == read_bundle(tmp_path / "first").revision == revision


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        (Parts({"rate": math.nan}, {}, ()), ValueError),
        (Parts({"rate": {1, 2}}, {}, ()), TypeError),
        (Parts({}, {"names": np.array(["lamp"])}, ()), TypeError),
        (Parts({}, {"things": np.array([{}], dtype=object)}, ()), TypeError),
    ],
)
def test_what_can_not_be_kept_leaves_the_place_as_it_was(tmp_path: Path, parts: Parts, error: type[Exception]) -> None:
    before = write(tmp_path / "bundle")
    with pytest.raises(error):
        write(tmp_path / "bundle", parts)
    assert read_bundle(tmp_path / "bundle").revision == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_write_that_breaks_off_leaves_the_old_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = write(tmp_path / "bundle")
    synced: list[int] = []

    def full_disk(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 3:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "bundle", Parts({}, {}, ()))
    assert read_bundle(tmp_path / "bundle").revision == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_what_is_no_bundle_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    (tmp_path / "file").write_text("")
    for name in ("thesis", "file"):
        with pytest.raises(InvalidInput, match="no bundle to be replaced"):
            check_writable(tmp_path / name)
        with pytest.raises(InvalidInput):
            write(tmp_path / name)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"


def test_where_nothing_is_there_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no bundle"):
        read_bundle(tmp_path)
