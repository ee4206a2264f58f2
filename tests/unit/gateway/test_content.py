from dataclasses import replace

import pytest

from modalmesh.types import Event, Item, Picture
from modalmesh_gateway.content import event_id, fused_key, image_hash, item_digest, text_hash, video_hash

ITEM = Item("a", "Mug", "A mug", ("blue",), (Picture(name="a.png", content_hash="h"),), (), {"genre": ("x",)}, 5)


def test_the_same_bytes_have_another_hash_in_each_modality() -> None:
    assert len({text_hash("cat"), image_hash(b"cat"), video_hash(b"cat")}) == 3


@pytest.mark.parametrize(
    "changed",
    [
        replace(ITEM, title="Cup"),
        replace(ITEM, description=""),
        replace(ITEM, tags=("blue", "red")),
        replace(ITEM, tags=("red",)),
        replace(ITEM, pictures=()),
        replace(ITEM, pictures=(Picture(name="a.png", content_hash="other"),)),
        replace(ITEM, pictures=(Picture(name="a.png", content_hash="h", kind="frame"),)),
        replace(ITEM, attributes={"genre": ("y",)}),
        replace(ITEM, attributes={"genres": ("x",)}),
        replace(ITEM, time_ms=None),
    ],
)
def test_a_digest_changes_with_every_field_that_the_caller_gives(changed: Item) -> None:
    assert item_digest(changed) != item_digest(ITEM)


def test_a_digest_ignores_what_the_gateway_adds() -> None:
    assert item_digest(replace(ITEM, revision=7, pending=("text",))) == item_digest(ITEM)


def test_a_digest_ignores_the_order_of_attributes() -> None:
    first = replace(ITEM, attributes={"a": ("1",), "b": ("2",)})
    assert item_digest(first) == item_digest(replace(ITEM, attributes={"b": ("2",), "a": ("1",)}))


def test_texts_cannot_move_between_fields_unnoticed() -> None:
    assert item_digest(Item("a", "x", "")) != item_digest(Item("a", "", "x"))


def test_an_event_has_the_same_id_whenever_it_is_told_again() -> None:
    event = Event("u", "i", 1000, "rating", 4.0)
    assert event_id(event) == event_id(replace(event))
    assert event_id(replace(event, value=4.5)) != event_id(event)
    assert event_id(replace(event, time_ms=1001)) != event_id(event)


def test_a_fused_key_covers_embeddings_attributes_time_and_what_is_missing() -> None:
    key = fused_key(ITEM, [("m", "h")], [])
    assert key == fused_key(replace(ITEM, title="other text, same embedding"), [("m", "h")], [])
    others = [
        fused_key(ITEM, [("n", "h")], []),
        fused_key(ITEM, [("m", "g")], []),
        fused_key(ITEM, [("m", "h")], ["image"]),
        fused_key(replace(ITEM, time_ms=6), [("m", "h")], []),
        fused_key(replace(ITEM, attributes={}), [("m", "h")], []),
    ]
    assert key not in others
    assert len(set(others)) == len(others)
