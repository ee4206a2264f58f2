"""Chunking as such, for any sizes and limits."""

from hypothesis import given
from hypothesis import strategies as st

from modalmesh.client.chunks import Limits, event_chunks, item_chunks, merge_upserts
from modalmesh.types import Event, Item, Refusal, UpsertSummary

limits = st.builds(Limits, count=st.integers(1, 7), size=st.integers(1, 300), entry=st.just(120))
lengths = st.lists(st.integers(0, 150), max_size=40)


def items_of(lengths: list[int]) -> list[Item]:
    return [Item(f"i{number}", title="x" * length) for number, length in enumerate(lengths)]


@given(lengths, limits)
def test_every_item_is_sent_once_in_order_or_refused(lengths: list[int], limits: Limits) -> None:
    sent: list[str] = []
    refused: list[str] = []
    for chunk in item_chunks(items_of(lengths), limits):
        sent += [message.item_id for message in chunk.messages]
        refused += [refusal.id for refusal in chunk.refused]
    order = [f"i{number}" for number in range(len(lengths))]
    assert sorted(sent + refused, key=order.index) == order
    assert sent == sorted(sent, key=order.index)


@given(lengths, limits)
def test_no_chunk_is_above_a_limit_unless_one_item_alone_is(lengths: list[int], limits: Limits) -> None:
    for chunk in item_chunks(items_of(lengths), limits):
        assert len(chunk.messages) <= limits.count
        assert len(chunk.messages) <= 1 or sum(message.ByteSize() for message in chunk.messages) <= limits.size


@given(lengths, limits)
def test_only_items_above_the_entry_limit_are_refused(lengths: list[int], limits: Limits) -> None:
    for chunk in item_chunks(items_of(lengths), limits):
        assert all(message.ByteSize() <= limits.entry for message in chunk.messages)
        assert {refusal.reason for refusal in chunk.refused} <= {"TOO_LARGE"}


@given(lengths, limits, st.data())
def test_a_refusal_by_the_gateway_finds_its_place(lengths: list[int], limits: Limits, data: st.DataObject) -> None:
    for chunk in item_chunks(items_of(lengths), limits):
        if chunk.messages:
            position = data.draw(st.integers(0, len(chunk.messages) - 1))
            placed = chunk.place([Refusal("", position, "title", "BAD", "")])
            (theirs,) = [refusal for refusal in placed if refusal.reason == "BAD"]
            assert f"i{theirs.position}" == chunk.messages[position].item_id
            assert list(placed) == sorted(placed, key=lambda refusal: refusal.position)


@given(st.lists(st.integers(0, 60), max_size=30), limits)
def test_events_are_chunked_the_same_way(lengths: list[int], limits: Limits) -> None:
    events = [Event("u" * length, "i", number) for number, length in enumerate(lengths)]
    sent = [message.time_ms for chunk in event_chunks(events, limits) for message in chunk.messages]
    assert sent == list(range(len(lengths)))


def test_an_id_that_is_far_too_long_is_not_repeated_in_its_refusal() -> None:
    (chunk,) = item_chunks([Item("x" * 500)], Limits(1, 100, entry=100))
    assert [(refusal.id, refusal.field) for refusal in chunk.refused] == [("", "item")]


def test_summaries_add_up() -> None:
    total = merge_upserts(
        [UpsertSummary(1, 2, 3, (), 0, 4, 5, 6, 7, 8), UpsertSummary(10, 20, 30, (), 1, 40, 50, 60, 70, 80)]
    )
    assert total == UpsertSummary(11, 22, 33, (), 1, 44, 55, 66, 77, 88)
