"""The id by which a request is found in logs and traces: taken, made, answered, shown in errors."""

import logging
from typing import Any

import grpc
import pytest

from modalmesh import AsyncClient
from modalmesh.errors import NotFound, Unavailable
from modalmesh.status import REQUEST_ID_KEY, from_rpc_error
from modalmesh.v1 import recommender_service_pb2 as gateway
from modalmesh.v1.recommender_service_pb2_grpc import RecommenderStub
from modalmesh_services.common.handlers import Context
from modalmesh_services.common.observability.current_call import current_call
from modalmesh_services.common.observability.logs import JsonFormatter, TextFormatter
from modalmesh_services.common.observability.request_id import LONGEST, accepted
from tests.unit.common.told import Told

JSON, TEXT = JsonFormatter(), TextFormatter()


async def answered_id(channel: grpc.aio.Channel, *given: str) -> Any:
    metadata = tuple((REQUEST_ID_KEY, each) for each in given)
    call = RecommenderStub(channel).GetItem(gateway.GetItemRequest(), timeout=10, metadata=metadata)
    await call
    return dict(await call.trailing_metadata())[REQUEST_ID_KEY]


async def test_a_callers_id_is_answered_and_known_to_what_serves_it(told: Told, channel: grpc.aio.Channel) -> None:
    seen: list[str] = []

    async def note(context: Context) -> None:
        call = current_call()
        assert call is not None
        seen.append(f"{call.method} {call.request_id}")

    told.behaviour = note
    assert await answered_id(channel, "order-7/step.2") == "order-7/step.2"
    assert seen == ["/modalmesh.v1.Recommender/GetItem order-7/step.2"]


async def test_a_call_without_an_id_gets_one_of_its_own(channel: grpc.aio.Channel) -> None:
    first, second = await answered_id(channel), await answered_id(channel)
    assert len(first) == len(second) == 32
    assert first != second


@pytest.mark.parametrize("given", ["", "a b", "x" * (LONGEST + 1), "a\nERROR all is lost", "ä", '"}', b"raw", None])
def test_what_could_be_taken_for_more_than_an_id_is_replaced(given: str | bytes | None) -> None:
    assert accepted(given) != given
    assert len(accepted(given)) == 32


@pytest.mark.parametrize("given", ["a", "x" * LONGEST, "7c3f-42", "user:order/1+2=3@x_y.z"])
def test_what_callers_use_for_ids_is_taken(given: str) -> None:
    assert accepted(given) == given


async def test_an_error_brings_the_id_and_its_details(told: Told, channel: grpc.aio.Channel) -> None:
    told.fails_with(NotFound("no item 'a'", reason="UNKNOWN_ITEM"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await answered_id(channel, "order-7")
    read = from_rpc_error(caught.value)
    assert (read.request_id, read.reason) == ("order-7", "UNKNOWN_ITEM")
    assert str(read) == "no item 'a' (request order-7)"


async def test_a_clients_error_names_the_request(told: Told) -> None:
    told.fails_with(NotFound("no item 'a'"))
    async with AsyncClient(told.server.address) as client:
        with pytest.raises(NotFound, match=r"no item 'a' \(request [0-9a-f]{32}\)"):
            await client.get_item("a")


async def test_a_failed_call_leaves_one_line_with_what_is_no_content(
    told: Told, channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    told.fails_with(Unavailable("redis", "no history of user ada"))
    with caplog.at_level(logging.INFO), pytest.raises(grpc.aio.AioRpcError):
        await answered_id(channel)
    (record,) = caplog.records
    assert record.getMessage().startswith("/modalmesh.v1.Recommender/GetItem: UNAVAILABLE after 0.")
    assert record.levelno == logging.WARNING
    assert "ada" not in caplog.text


async def test_a_callers_own_fault_is_no_warning(
    told: Told, channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    told.fails_with(NotFound("no such item"))
    with caplog.at_level(logging.INFO), pytest.raises(grpc.aio.AioRpcError):
        await answered_id(channel)
    assert [record.levelno for record in caplog.records] == [logging.INFO]


async def test_an_answered_call_leaves_no_line(
    told: Told, channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "modalmesh_services"):
        await answered_id(channel)
    assert not caplog.records


async def test_a_fault_is_logged_without_what_was_asked(
    told: Told, channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    told.fails_with(ValueError("can't parse 'red shoes for ada'"))
    with caplog.at_level(logging.INFO), pytest.raises(grpc.aio.AioRpcError):
        await answered_id(channel)
    written = "".join(formatter.format(record) for record in caplog.records for formatter in (JSON, TEXT))
    assert "ValueError" in written
    assert "told.py" in written
    assert "ada" not in written
