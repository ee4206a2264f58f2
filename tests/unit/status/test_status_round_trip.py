"""Every error becomes a status with google.rpc details, and the same class again on the other side."""

import inspect

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st

from modalmesh import errors
from modalmesh.status import CODES, DOMAIN, from_rpc_error, from_status, status_code, to_status

ERRORS: list[tuple[errors.ModalmeshError, grpc.StatusCode]] = [
    (errors.InvalidInput("items[3].title", "has no letters", reason="EMPTY"), grpc.StatusCode.INVALID_ARGUMENT),
    (errors.TooLarge("image", "has 2 bytes of at most 1"), grpc.StatusCode.INVALID_ARGUMENT),
    (errors.NotFound("no item 'a'", reason="ITEM_NOT_FOUND"), grpc.StatusCode.NOT_FOUND),
    (errors.ModelMismatch("vectors of 'a' where 'b' is served"), grpc.StatusCode.FAILED_PRECONDITION),
    (errors.Overloaded("the queue is full", retry_after=0.25), grpc.StatusCode.RESOURCE_EXHAUSTED),
    (errors.Unavailable("redis", "can't connect", retry_after=2.5), grpc.StatusCode.UNAVAILABLE),
    (errors.DeadlineExceeded("too late"), grpc.StatusCode.DEADLINE_EXCEEDED),
    (errors.InternalError("a fault"), grpc.StatusCode.INTERNAL),
]
BY_CLASS = pytest.mark.parametrize(("error", "code"), ERRORS, ids=lambda value: type(value).__name__)


def travelled(error: errors.ModalmeshError) -> errors.ModalmeshError:
    return from_status(status_code(error), error.message, to_status(error).SerializeToString())


def subclasses(kind: type[errors.ModalmeshError]) -> set[type[errors.ModalmeshError]]:
    return {kind}.union(*(subclasses(child) for child in kind.__subclasses__()))


def test_every_public_class_is_tried_here() -> None:
    public = {kind for name, kind in vars(errors).items() if inspect.isclass(kind) and not name.startswith("_")}
    assert public - {errors.ModalmeshError} == {type(error) for error, _ in ERRORS}


def test_the_table_has_a_row_for_every_class() -> None:
    assert all(issubclass(kind, tuple(row for row, _ in CODES)) for kind in subclasses(errors.ModalmeshError))
    assert CODES[-1][0] is errors.ModalmeshError


@BY_CLASS
def test_the_class_comes_back_with_all_it_says(error: errors.ModalmeshError, code: grpc.StatusCode) -> None:
    read = travelled(error)
    assert status_code(error) is code
    assert type(read) is type(error)
    assert vars(read) == vars(error)


@BY_CLASS
def test_error_info_names_domain_and_reason(error: errors.ModalmeshError, code: grpc.StatusCode) -> None:
    status = to_status(error)
    info = ErrorInfo()
    assert status.code == code.value[0]
    assert status.details[0].Unpack(info)
    assert (info.domain, info.reason) == (DOMAIN, error.reason)


def test_bad_request_names_the_field() -> None:
    bad_request = BadRequest()
    assert to_status(errors.InvalidInput("k", "is 0", reason="OUT_OF_RANGE")).details[1].Unpack(bad_request)
    violation = bad_request.field_violations[0]
    assert (violation.field, violation.description, violation.reason) == ("k", "is 0", "OUT_OF_RANGE")


def test_retry_info_says_when_to_come_back() -> None:
    retry = RetryInfo()
    assert to_status(errors.Overloaded("full", retry_after=1.5)).details[1].Unpack(retry)
    assert retry.retry_delay.ToMilliseconds() == 1500


@given(st.text(), st.text(), st.text(alphabet="ABC_", min_size=1))
def test_any_field_and_message_travel(field: str, message: str, reason: str) -> None:
    read = travelled(errors.InvalidInput(field, message, reason=reason))
    assert vars(read) == vars(errors.InvalidInput(field, message, reason=reason))


@pytest.mark.parametrize("text", ["x" * 1_000_000, "é" * 9000, "🎬" * 9000])
def test_a_status_stays_small_enough_for_headers(text: str) -> None:
    assert to_status(errors.InvalidInput(text, text)).ByteSize() < 3000


def test_half_a_surrogate_pair_is_escaped() -> None:
    assert to_status(errors.NotFound("no item '\ud800'")).message == "no item '\\ud800'"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, errors.InvalidInput),
        (grpc.StatusCode.UNAVAILABLE, errors.Unavailable),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.Overloaded),
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.DeadlineExceeded),
        (grpc.StatusCode.UNIMPLEMENTED, errors.InternalError),
        (grpc.StatusCode.UNKNOWN, errors.InternalError),
    ],
)
def test_a_status_without_details_has_its_class_too(code: grpc.StatusCode, kind: type[errors.ModalmeshError]) -> None:
    assert type(from_status(code, "words", None)) is kind


def test_a_call_that_a_stopping_server_cancelled_may_be_made_again() -> None:
    assert type(from_status(grpc.StatusCode.CANCELLED, "CANCELLED", None)) is errors.Unavailable


def test_a_code_without_a_class_is_named_in_the_reason() -> None:
    assert from_status(grpc.StatusCode.UNIMPLEMENTED, "no such method", None).reason == "UNIMPLEMENTED"


@pytest.mark.parametrize(
    "message",
    ["Received message larger than max (9 vs. 4)", "CLIENT: Sent message larger than max (9 vs. 4)"],
)
def test_grpcs_own_limit_is_too_large_and_not_overload(message: str) -> None:
    read = from_status(grpc.StatusCode.RESOURCE_EXHAUSTED, message, None)
    assert type(read) is errors.TooLarge
    assert "larger than max" in read.message


def test_overload_with_details_is_overload_whatever_it_says() -> None:
    error = errors.Overloaded("the queue is larger than max")
    assert type(travelled(error)) is errors.Overloaded


@given(st.binary(max_size=80))
def test_torn_details_are_left_out(details: bytes) -> None:
    inner = Status(details=[Any(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=details)])
    for torn in (details, inner.SerializeToString()):
        assert type(from_status(grpc.StatusCode.NOT_FOUND, "words", torn)) is errors.NotFound


def test_an_rpc_error_that_is_no_call_is_internal() -> None:
    assert type(from_rpc_error(grpc.RpcError("closed"))) is errors.InternalError
