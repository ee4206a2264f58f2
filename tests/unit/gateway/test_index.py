from collections.abc import Callable
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modalmesh.embeddings import Embeddings, ModelId, normalise
from modalmesh.types import Item
from modalmesh_gateway.index import ItemIndex
from modalmesh_gateway.store import ItemRecord, TokenVectors


def tokens(vectors: list[list[float]], fingerprint: str = "m") -> TokenVectors:
    values = np.array(vectors, dtype=np.float32)
    return TokenVectors(Embeddings(values, ModelId("m", fingerprint)), ("title",) * len(values), ("h",) * len(values))


def record(item_id: str, text: list[list[float]] | None = None, fused: str = "", title: str = "") -> ItemRecord:
    vector = Embeddings(np.array([[1.0, 0.0]], dtype=np.float32), ModelId("r", fused)) if fused else None
    return ItemRecord(
        Item(item_id, title=title or item_id), "digest", tokens(text) if text else None, None, vector, "", frozenset()
    )


def text_order(index: ItemIndex, query: list[float], k: int = 10, excluded: tuple[str, ...] = ()) -> list[str]:
    table = index.spaces["text"].serving()
    assert table is not None
    scores = table.scores(np.array(query, dtype=np.float32), index.capacity)
    return list(index.best(scores, k, excluded))


def test_the_closest_items_come_first() -> None:
    index = ItemIndex()
    for item_id, vector in {"a": [1.0, 0.0], "b": [0.6, 0.8], "c": [0.0, 1.0]}.items():
        index.upsert(record(item_id, [vector]))
    assert text_order(index, [1.0, 0.0]) == ["a", "b", "c"]
    assert text_order(index, [0.0, 1.0], k=2) == ["c", "b"]


def test_an_item_is_the_mean_of_its_tokens_at_length_one() -> None:
    index = ItemIndex()
    index.upsert(record("a", [[2.0, 0.0], [0.0, 2.0]]))
    table = index.spaces["text"].serving()
    assert table is not None
    np.testing.assert_allclose(table.values[0], [2**-0.5, 2**-0.5], rtol=1e-6)


def test_items_without_a_vector_never_appear() -> None:
    index = ItemIndex()
    index.upsert(record("a", [[1.0, 0.0]]))
    index.upsert(record("b"))
    assert text_order(index, [1.0, 0.0]) == ["a"]


def test_excluded_items_never_appear() -> None:
    index = ItemIndex()
    index.upsert(record("a", [[1.0, 0.0]]))
    index.upsert(record("b", [[0.0, 1.0]]))
    assert text_order(index, [1.0, 0.0], excluded=("a", "unknown")) == ["b"]


def test_a_removed_item_leaves_nothing_to_the_one_that_takes_its_row() -> None:
    index = ItemIndex()
    index.upsert(record("a", [[1.0, 0.0]]))
    index.set_counts({"a": 9})
    index.remove("a")
    index.upsert(record("b"))
    assert "a" not in index
    assert text_order(index, [1.0, 0.0]) == []
    assert index.popularity().tolist() == [0.0]


def test_removing_what_is_not_there_changes_nothing() -> None:
    index = ItemIndex()
    index.remove("a")
    assert len(index) == 0


def test_an_update_that_lost_its_text_leaves_the_text_space() -> None:
    index = ItemIndex()
    index.upsert(record("a", [[1.0, 0.0]]))
    index.upsert(record("a"))
    assert text_order(index, [1.0, 0.0]) == []


def test_popularity_knows_counts_from_before_and_after_the_item() -> None:
    index = ItemIndex()
    index.set_counts({"b": 5})
    index.upsert(record("a"))
    index.upsert(record("b"))
    index.set_counts({"a": 2})
    assert index.best(index.popularity(), 2) == {"b": 5.0, "a": 2.0}
    assert list(index.best(index.popularity(), 2)) == ["b", "a"]


def test_ties_are_in_the_order_of_ids() -> None:
    index = ItemIndex()
    for item_id in ("c", "a", "b"):
        index.upsert(record(item_id, [[1.0, 0.0]]))
    assert text_order(index, [1.0, 0.0], k=2) == ["a", "b"]


def test_a_new_model_serves_only_when_it_has_as_many_items_as_the_old_one() -> None:
    index = ItemIndex()
    index.upsert(record("a", fused="old"))
    index.upsert(record("b", fused="old"))
    index.want({"fused": "new"})
    fused = index.spaces["fused"]
    index.upsert(record("a", fused="new"))
    assert fused.serving() is fused.table("old")
    index.upsert(record("b", fused="new"))
    assert fused.serving() is fused.table("new")
    index.want({"fused": "new"})
    assert fused.table("old") is None


def test_it_grows_beyond_its_first_capacity() -> None:
    index = ItemIndex()
    for number in range(2500):
        index.upsert(record(f"{number:04}", [[1.0, float(number)]]))
    index.set_counts({"2400": 3})
    assert len(index) == 2500
    assert text_order(index, [1.0, 0.0], k=1) == ["0000"]
    assert index.best(index.popularity(), 1) == {"2400": 3.0}


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=40), st.integers(1, 8))
def test_it_answers_like_a_dictionary_and_a_full_sort(changes: list[tuple[int, bool]], k: int) -> None:
    index = ItemIndex()
    truth: dict[str, np.ndarray] = {}
    generator = np.random.default_rng(len(changes))
    for number, present in changes:
        item_id = str(number)
        if present:
            vector = normalise(generator.normal(size=(1, 3)).astype(np.float32))
            index.upsert(record(item_id, vector.tolist()))
            truth[item_id] = vector[0]
        else:
            index.remove(item_id)
            truth.pop(item_id, None)
    query = np.array([0.3, -0.5, 0.8], dtype=np.float32)
    expected = sorted(truth, key=lambda item_id: (-float(truth[item_id] @ query), item_id))[:k]
    assert len(index) == len(truth)
    assert (text_order(index, query.tolist(), k) if truth else []) == expected


def test_a_removed_item_is_unknown() -> None:
    index = ItemIndex()
    index.upsert(record("a"))
    index.remove("a")
    assert index.get("a") is None
    assert index.title("a") == ""
    assert list(index.entries()) == []


def test_an_item_keeps_its_row_when_it_changes() -> None:
    index = ItemIndex()
    index.upsert(record("a", title="before"))
    row = index.row("a")
    index.upsert(replace(record("a"), item=Item("a", title="after")))
    assert index.row("a") == row
    assert index.title("a") == "after"


def test_it_counts_what_changes_an_item() -> None:
    index = ItemIndex()
    index.upsert(record("a"))
    index.remove("a")
    index.remove("a")
    assert index.changes == 2


def test_what_waits_is_counted_as_it_comes_and_goes() -> None:
    index = ItemIndex()
    waiting = replace(record("a", fused="r"), item=Item("a", pending=("text",)))
    changes: list[tuple[Callable[[], None], int]] = [
        (lambda: index.upsert(waiting), 1),
        (lambda: index.upsert(record("b")), 2),
        (lambda: index.upsert(waiting), 2),
        (lambda: index.upsert(record("b", fused="r")), 1),
        (lambda: index.remove("a"), 0),
        (lambda: index.remove("unknown"), 0),
        (lambda: index.upsert(record("c")), 1),
    ]
    for change, pending in changes:
        change()
        assert index.pending == pending == sum(entry.is_pending for entry in index.entries())
