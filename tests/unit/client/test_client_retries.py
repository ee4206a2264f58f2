"""Which calls are tried again, when, and for how long."""

import math
import threading
import time
from collections.abc import Callable

import pytest

from modalmesh.client import Client, calls
from modalmesh.errors import DeadlineExceeded, Overloaded, Unavailable
from modalmesh.types import Item
from modalmesh.v1.recommender_service_pb2 import DESCRIPTOR
from tests.unit.client.scripted_gateway import ScriptedGateway

SOON = 0.01


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modalmesh.client.backoff.FIRST_WAIT", 0.02)


def down(retry_after: float = SOON) -> Unavailable:
    return Unavailable("redis", "redis is down", retry_after=retry_after)


@pytest.mark.parametrize("error", [down(), Overloaded("full", retry_after=SOON)], ids=["unavailable", "overloaded"])
def test_what_passes_is_tried_again(client: Client, gateway: ScriptedGateway, error: Unavailable | Overloaded) -> None:
    gateway.fail("Recommend", error, error)
    assert client.recommend("ada").items == ()
    assert len(gateway.requests("Recommend")) == 3


def test_the_servers_hint_is_waited_for(client: Client, gateway: ScriptedGateway) -> None:
    gateway.fail("Recommend", Overloaded("full", retry_after=0.4))
    started = time.monotonic()
    client.recommend("ada")
    assert 0.4 <= time.monotonic() - started < 2.0


def test_a_hint_beyond_the_deadline_is_not_waited_for(client: Client, gateway: ScriptedGateway) -> None:
    gateway.fail("Recommend", Overloaded("full", retry_after=60.0))
    started = time.monotonic()
    with pytest.raises(Overloaded) as raised:
        client.recommend("ada", timeout=5.0)
    assert raised.value.retry_after == 60.0
    assert time.monotonic() - started < 2.0


def test_tries_end_with_the_deadline_and_the_error_says_how_many_there_were(
    client: Client, gateway: ScriptedGateway
) -> None:
    gateway.fail("Recommend", *[down()] * 500)
    started = time.monotonic()
    # Time may run out within a try as well as between two.
    wanted = r"redis is down \(\d+ tries in \d\.\d s\)"
    with pytest.raises((Unavailable, DeadlineExceeded), match=wanted) as raised:
        client.recommend("ada", timeout=0.5)
    assert raised.value.tries == len(gateway.requests("Recommend")) > 3
    assert time.monotonic() - started < 2.0


def test_a_try_that_the_deadline_ends_tells_of_the_one_before(client: Client, gateway: ScriptedGateway) -> None:
    gateway.fail("Recommend", down())
    gateway.answers["Recommend"] = lambda request: time.sleep(3.0)
    with pytest.raises(DeadlineExceeded, match=r"the try before failed: redis is down \(2 tries in") as raised:
        client.recommend("ada", timeout=1.0)
    assert raised.value.tries == 2


def test_no_room_without_a_time_to_come_back_is_not_asked_again(client: Client, gateway: ScriptedGateway) -> None:
    """As a proxy's limit or a quota answers; one of ours always has a hint."""
    gateway.fail("Recommend", Overloaded("quota is spent", retry_after=math.inf))
    with pytest.raises(Overloaded, match="quota") as raised:
        client.recommend("ada")
    assert raised.value.retry_after == math.inf
    assert len(gateway.requests("Recommend")) == 1


def test_every_method_of_the_contract_says_whether_it_may_be_repeated() -> None:
    """A new one is tried once until somebody has thought about it: list it in calls.py or here."""
    methods = set(DESCRIPTOR.services_by_name["Recommender"].methods_by_name)
    assert methods == calls._REPEATABLE


def test_a_chunk_of_items_is_sent_again(client: Client, gateway: ScriptedGateway) -> None:
    gateway.fail("UpsertItems", down())
    summary = client.upsert_items([Item("lamp", "Lamp"), Item("chair", "Chair")])
    assert summary.created == 2
    assert [len(request.items) for request in gateway.requests("UpsertItems")] == [2, 2]


def test_a_gateway_that_was_restarted_is_found_again(make_client: Callable[..., Client]) -> None:
    first = ScriptedGateway()
    client = make_client(first.address, timeout=20.0)
    client.status()
    first.stop()
    again: list[ScriptedGateway] = []
    timer = threading.Timer(0.3, lambda: again.append(ScriptedGateway(first.port)))
    timer.start()
    try:
        assert client.recommend("ada").items == ()
    finally:
        timer.join()
        again[0].stop()


def test_a_gateway_that_stays_away_is_given_up(make_client: Callable[..., Client]) -> None:
    gateway = ScriptedGateway()
    client = make_client(gateway.address, timeout=1.0)
    client.status()
    gateway.stop()
    with pytest.raises(Unavailable, match="lost the mesh") as raised:
        client.status()
    assert raised.value.tries > 1
    assert raised.value.reason == "CONNECTION_LOST"
