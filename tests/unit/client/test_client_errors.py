"""A failed call raises the class that the server raised; one that reached nobody says what to do."""

import threading
import time
from collections.abc import Callable

import grpc
import pytest

from modalmesh.client import Client
from modalmesh.errors import (
    DeadlineExceeded,
    InternalError,
    InvalidInput,
    ModalmeshError,
    ModelMismatch,
    NotFound,
    TooLarge,
    Unavailable,
)
from modalmesh.v1 import recommender_service_pb2 as v1
from tests.unit.client.scripted_gateway import MIB, ScriptedGateway

FINAL = [
    InvalidInput("k", "must be 1 to 1000", reason="OUT_OF_RANGE"),
    TooLarge("item_ids", "has 2000 entries"),
    NotFound("no item 'lamp'", reason="NO_ITEM"),
    ModelMismatch("vectors of another model"),
    InternalError("internal error"),
]


def free_address() -> str:
    """Where nobody listens."""
    server = ScriptedGateway()
    server.stop()
    return server.address


@pytest.mark.parametrize("error", FINAL, ids=lambda error: type(error).__name__)
def test_an_error_comes_back_as_its_own_class_at_once(
    client: Client, gateway: ScriptedGateway, error: ModalmeshError
) -> None:
    gateway.fail("Recommend", error)
    with pytest.raises(type(error)) as raised:
        client.recommend("ada")
    assert type(raised.value) is type(error)
    assert (str(raised.value), raised.value.reason) == (str(error), error.reason)
    assert len(gateway.requests("Recommend")) == 1


def test_the_field_of_a_refusal_comes_back(client: Client, gateway: ScriptedGateway) -> None:
    gateway.fail("Recommend", InvalidInput("k", "must be 1 to 1000"))
    with pytest.raises(InvalidInput) as raised:
        client.recommend("ada")
    assert raised.value.field == "k"


def test_the_call_that_failed_is_the_cause(client: Client, gateway: ScriptedGateway) -> None:
    gateway.fail("Recommend", NotFound("no such user"))
    with pytest.raises(NotFound) as raised:
        client.recommend("ada")
    assert isinstance(raised.value.__cause__, grpc.RpcError)


def test_the_deadline_of_a_call_is_kept(client: Client, gateway: ScriptedGateway) -> None:
    gateway.delay_seconds = 1.0
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        client.recommend("ada", timeout=0.2)
    assert time.monotonic() - started < 0.9


def test_a_call_that_nobody_answered_in_time_can_be_found_in_the_logs(client: Client, gateway: ScriptedGateway) -> None:
    gateway.fail("Recommend", Unavailable("redis", "down", retry_after=0.0))
    gateway.delay_seconds = 0.6
    with pytest.raises(DeadlineExceeded) as raised:
        client.recommend("ada", timeout=1.1)
    assert gateway.request_ids == [raised.value.request_id] * 2
    assert len(raised.value.request_id) == 32


def test_a_lost_call_can_be_found_in_the_logs(client: Client, gateway: ScriptedGateway) -> None:
    client.recommend("ada")
    gateway.delay_seconds = 5.0
    stopping = threading.Timer(0.3, gateway.stop)
    stopping.start()
    with pytest.raises(Unavailable) as raised:
        client.recommend("ada", timeout=1.0)
    stopping.join()
    assert raised.value.reason == "CONNECTION_LOST"
    assert raised.value.request_id in gateway.request_ids[1:]


def test_a_client_has_a_deadline_of_its_own(gateway: ScriptedGateway, make_client: Callable[..., Client]) -> None:
    gateway.delay_seconds = 1.0
    with pytest.raises(DeadlineExceeded):
        make_client(gateway.address, timeout=0.2).status()


def test_a_deadline_without_end_waits(client: Client, gateway: ScriptedGateway) -> None:
    gateway.delay_seconds = 0.1
    assert client.recommend("ada", timeout=float("inf")).items == ()


def test_where_nobody_listens_the_error_says_where_and_what_to_do(make_client: Callable[..., Client]) -> None:
    address = free_address()
    started = time.monotonic()
    with pytest.raises(Unavailable, match=r"modalmesh up") as raised:
        make_client(address).status()
    assert address in raised.value.message
    assert raised.value.reason == "CONNECTION_FAILED"
    assert time.monotonic() - started < 3.0


def test_an_answer_above_the_limit_is_too_large_and_not_overload(client: Client, gateway: ScriptedGateway) -> None:
    huge = v1.GetItemResponse()
    huge.item.description = "x" * (65 * MIB)
    gateway.answers["GetItem"] = huge
    with pytest.raises(TooLarge, match="larger than max"):
        client.get_item("lamp")


def test_an_answer_just_below_the_limit_comes_through(client: Client, gateway: ScriptedGateway) -> None:
    large = v1.GetItemResponse()
    large.item.description = "x" * (63 * MIB)
    gateway.answers["GetItem"] = large
    assert len(client.get_item("lamp").description) == 63 * MIB
