"""Callers ride out a restart of the gateway, over real gRPC. The client's clock runs ten times as fast as ours."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from modalmesh.client import AsyncClient, Client, asynchronous, clock, synchronous
from modalmesh.errors import DeadlineExceeded, Unavailable
from modalmesh.types import Item
from modalmesh.v1.recommender_service_pb2 import RecommendResponse
from tests.unit.client.scripted_gateway import ScriptedGateway

TIMES = 10
CALLERS = 16


@pytest.fixture(autouse=True)
def fast_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    sleep_on_loop = asyncio.sleep
    monkeypatch.setattr(clock, "now", lambda: time.monotonic() * TIMES)
    monkeypatch.setattr(clock, "sleep", lambda seconds: time.sleep(seconds / TIMES))
    monkeypatch.setattr(clock, "sleep_on_loop", lambda seconds: sleep_on_loop(seconds / TIMES))
    # gRPC has a clock of its own.
    for module in (synchronous, asynchronous):
        soon = [(name, 100 if name.endswith("reconnect_backoff_ms") else value) for name, value in module.OPTIONS]
        monkeypatch.setattr(module, "OPTIONS", soon)


@contextmanager
def restarting(gateway: ScriptedGateway, seconds: float) -> Iterator[list[ScriptedGateway]]:
    """Away for so many of the client's seconds, then back on the same port; the one that is back is in the list."""
    back: list[ScriptedGateway] = []
    gateway.stop()
    timer = threading.Timer(seconds / TIMES, lambda: back.append(ScriptedGateway(gateway.port)))
    timer.start()
    try:
        yield back
    finally:
        timer.join()
        back[0].stop()


def test_a_call_waits_for_a_gateway_as_long_as_its_deadline_allows(make_client: Callable[..., Client]) -> None:
    gateway = ScriptedGateway()
    client = make_client(gateway.address)
    client.status()
    with restarting(gateway, 25.0) as back:
        assert client.recommend("ada").items == ()
        assert len(back[0].requests("Recommend")) == 1


def test_a_call_with_less_time_than_that_fails_in_time(make_client: Callable[..., Client]) -> None:
    gateway = ScriptedGateway()
    client = make_client(gateway.address)
    client.status()
    with restarting(gateway, 12.0):
        started = clock.now()
        # Whichever comes first, to know that there is no time for another try or that the last one took what was left.
        with pytest.raises((Unavailable, DeadlineExceeded), match=r"lost the mesh at .* \(\d+ tries in [1-6]\.\d s\)"):
            client.recommend("ada", timeout=6.0)
        assert clock.now() - started < 12.0


def test_a_write_waits_for_a_gateway_too(make_client: Callable[..., Client]) -> None:
    gateway = ScriptedGateway()
    client = make_client(gateway.address)
    client.upsert_items([Item("lamp", "Lamp")])
    with restarting(gateway, 12.0) as back:
        assert client.upsert_items([Item("lamp", "Lamp")]).created == 1
        assert len(back[0].items) == 1


def test_sixteen_callers_of_one_client_all_get_their_answers() -> None:
    gateway = ScriptedGateway()
    with Client(gateway.address) as client, ThreadPoolExecutor(CALLERS) as pool:
        client.status()
        with restarting(gateway, 12.0) as back:
            answers = list(pool.map(lambda number: client.recommend(f"user-{number}"), range(CALLERS)))
            assert len(back[0].requests("Recommend")) == len(answers) == CALLERS


async def test_an_outage_gets_little_more_calls_than_there_are_callers_however_many_they_are() -> None:
    """200 callers of 30 s each; the part is back after 15 s, and none of them is given up."""
    gateway, callers = ScriptedGateway(), 200
    back_at = clock.now() + 15.0

    def answer(request: object) -> object:
        if clock.now() < back_at:
            return Unavailable("redis", "redis is down", retry_after=0.2)
        return RecommendResponse()

    gateway.answers["Recommend"] = answer
    try:
        async with AsyncClient(gateway.address) as client:
            await asyncio.gather(*(client.recommend(f"user-{number}") for number in range(callers)))
        refused = len(gateway.requests("Recommend")) - callers
    finally:
        gateway.stop()
    assert callers <= refused <= callers + 20 + 10 * 15 + 20
