"""Long inputs: read lazily, sent in chunks, put together again."""

from collections.abc import Iterator
from itertools import islice

import pytest

from modalmesh.client import AsyncClient, Client
from modalmesh.client.channel import IN_FLIGHT
from modalmesh.client.chunks import EVENT_LIMITS, ITEM_LIMITS
from modalmesh.errors import InvalidInput
from modalmesh.types import Event, Item, Picture
from tests.unit.client.scripted_gateway import MIB, ScriptedGateway


def numbered(count: int) -> Iterator[Item]:
    return (Item(f"item-{number}", title=f"Item {number}") for number in range(count))


def test_items_go_in_chunks_of_a_bounded_count(client: Client, gateway: ScriptedGateway) -> None:
    summary = client.upsert_items(numbered(2 * ITEM_LIMITS.count + 5))
    assert summary.created == 2 * ITEM_LIMITS.count + 5
    sizes = sorted(len(request.items) for request in gateway.requests("UpsertItems"))
    assert sizes == [5, ITEM_LIMITS.count, ITEM_LIMITS.count]


def test_items_go_in_chunks_of_bounded_bytes(client: Client, gateway: ScriptedGateway) -> None:
    heavy = (Item(str(number), pictures=(Picture(b"x" * (7 * MIB)),)) for number in range(5))
    client.upsert_items(heavy)
    assert sorted(len(request.items) for request in gateway.requests("UpsertItems")) == [1, 2, 2]


def test_the_same_items_again_change_nothing(client: Client) -> None:
    client.upsert_items(numbered(300))
    again = client.upsert_items(numbered(300))
    assert (again.created, again.unchanged, again.encoded_texts) == (0, 300, 0)


def test_refusals_have_their_place_in_the_whole_stream(client: Client) -> None:
    items = list(numbered(600))
    items[7] = Item("item-7", title="refuse me")
    items[400] = Item("item-400", title="refuse me")
    summary = client.upsert_items(items)
    assert [(refusal.position, refusal.id) for refusal in summary.refused] == [(7, "item-7"), (400, "item-400")]
    assert (summary.refused_count, summary.created) == (2, 598)


def test_an_item_above_the_message_limit_is_listed_and_the_rest_goes_in(client: Client) -> None:
    giant = Item("giant", pictures=(Picture(b"x" * (64 * MIB)),))
    summary = client.upsert_items([Item("a", "A"), giant, Item("b", "B"), Item("c", "refuse me")])
    assert summary.created == 2
    assert [(refusal.position, refusal.reason) for refusal in summary.refused] == [(1, "TOO_LARGE"), (3, "BAD")]
    assert summary.refused[0].id == "giant"


def test_the_second_of_two_equal_ids_is_refused_in_whatever_chunk(client: Client) -> None:
    items = [*numbered(300), Item("item-1", title="other")]
    summary = client.upsert_items(items)
    (refusal,) = summary.refused
    assert (refusal.position, refusal.reason, summary.created) == (300, "DUPLICATE_ID", 300)


def test_what_no_message_can_hold_is_listed(client: Client) -> None:
    summary = client.upsert_items([Item("a", title="\ud800"), Item("b", "B", time_ms=2**70)])
    assert [refusal.position for refusal in summary.refused] == [0, 1]
    assert "surrogates" in summary.refused[0].message


def test_a_summary_lists_a_thousand_refusals_and_counts_all(client: Client) -> None:
    summary = client.upsert_items(Item(str(number), title="refuse me") for number in range(1200))
    assert (len(summary.refused), summary.refused_count) == (1000, 1200)


def test_nothing_to_send_is_no_call(client: Client, gateway: ScriptedGateway) -> None:
    assert client.upsert_items([]).created == 0
    assert client.upsert_items([Item("a", title="\ud800")]).refused_count == 1
    assert client.record_events([]).recorded == 0
    assert not gateway.received


def test_events_go_in_chunks_and_their_refusals_have_their_place(client: Client, gateway: ScriptedGateway) -> None:
    client.upsert_items([Item("lamp", "Lamp")])
    count = EVENT_LIMITS.count + 10
    events = [Event("ada", "lamp", number, event_id=str(number)) for number in range(count)]
    events[count - 1] = Event("ada", "ghost", 1)
    summary = client.record_events(events)
    assert (summary.recorded, len(gateway.requests("RecordEvents"))) == (count - 1, 2)
    assert [(refusal.position, refusal.field) for refusal in summary.refused] == [(count - 1, "item_id")]


def test_events_again_are_duplicates(client: Client) -> None:
    client.upsert_items([Item("lamp", "Lamp")])
    events = [Event("ada", "lamp", 1, event_id="e1")]
    client.record_events(events)
    assert client.record_events(events).duplicates == 1


def test_an_error_of_the_callers_iterable_reaches_the_caller(client: Client) -> None:
    def broken() -> Iterator[Item]:
        yield Item("a", "A")
        raise RuntimeError("my database went away")

    with pytest.raises(RuntimeError, match="my database went away"):
        client.upsert_items(broken())


def test_a_namespace_that_no_message_holds_is_refused(gateway: ScriptedGateway) -> None:
    with Client(gateway.address, namespace="\ud800") as client, pytest.raises(InvalidInput):
        client.upsert_items(numbered(1))


class Counted:
    """Items without end; says how many were taken."""

    def __init__(self) -> None:
        self.taken = 0

    def __iter__(self) -> Iterator[Item]:
        while True:
            self.taken += 1
            yield Item(str(self.taken), title="endless")


def test_an_endless_catalogue_is_read_no_further_than_the_window(gateway: ScriptedGateway) -> None:
    source = Counted()
    with Client(gateway.address) as client:
        answers = list(islice(client.upsert_chunks(source), 2))
    assert sum(answer.created for answer in answers) == 2 * ITEM_LIMITS.count
    assert source.taken <= (IN_FLIGHT + 2) * ITEM_LIMITS.count


async def test_an_endless_catalogue_is_read_no_further_by_the_async_client(gateway: ScriptedGateway) -> None:
    source = Counted()
    async with AsyncClient(gateway.address) as client:
        stream = client.upsert_chunks(source)
        assert (await anext(stream)).created == ITEM_LIMITS.count
        await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
    assert source.taken <= (IN_FLIGHT + 1) * ITEM_LIMITS.count


def test_several_chunks_are_under_way_at_once(client: Client, gateway: ScriptedGateway) -> None:
    gateway.delay_seconds = 0.3
    chunks = client.upsert_chunks(numbered(IN_FLIGHT * ITEM_LIMITS.count))
    next(chunks)
    assert len(gateway.requests("UpsertItems")) == IN_FLIGHT
