"""The one table between modalmesh.errors and gRPC statuses with google.rpc details, both ways."""

import math

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from modalmesh.errors import (
    DeadlineExceeded,
    InternalError,
    InvalidInput,
    ModalmeshError,
    ModelMismatch,
    NotFound,
    Overloaded,
    TooLarge,
    Unavailable,
)

DOMAIN = "modalmesh"
DETAILS_KEY = "grpc-status-details-bin"
REQUEST_ID_KEY = "x-request-id"
MESSAGE_BYTES = 800
"""What a message quotes may be of any length, but a status travels in headers of 8 KiB, in part percent-encoded."""

# The most special class first: an error takes the first row that it is an instance of.
CODES: tuple[tuple[type[ModalmeshError], grpc.StatusCode], ...] = (
    (InvalidInput, grpc.StatusCode.INVALID_ARGUMENT),
    (NotFound, grpc.StatusCode.NOT_FOUND),
    (ModelMismatch, grpc.StatusCode.FAILED_PRECONDITION),
    (Overloaded, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (Unavailable, grpc.StatusCode.UNAVAILABLE),
    (DeadlineExceeded, grpc.StatusCode.DEADLINE_EXCEEDED),
    (ModalmeshError, grpc.StatusCode.INTERNAL),
)


def status_code(error: ModalmeshError) -> grpc.StatusCode:
    return next(code for kind, code in CODES if isinstance(error, kind))


def public_message(error: ModalmeshError) -> str:
    return _clip(error.message)


def to_status(error: ModalmeshError) -> Status:
    """The google.rpc.Status of an error, with ErrorInfo and, where they apply, BadRequest and RetryInfo."""
    info = ErrorInfo(domain=DOMAIN, reason=error.reason)
    number, _ = status_code(error).value
    status = Status(code=number, message=public_message(error))
    if isinstance(error, Unavailable):
        info.metadata["part"] = error.part
    status.details.add().Pack(info)
    if isinstance(error, InvalidInput):
        field, description = _clip(error.field), _clip(error.detail)
        violation = BadRequest.FieldViolation(field=field, description=description, reason=error.reason)
        status.details.add().Pack(BadRequest(field_violations=[violation]))
    if isinstance(error, Overloaded | Unavailable):
        _add_hint(status, error.retry_after)
    return status


def _add_hint(status: Status, seconds: float) -> None:
    if math.isfinite(seconds):
        delay = Duration()
        delay.FromMicroseconds(int(seconds * 1e6))
        status.details.add().Pack(RetryInfo(retry_delay=delay))


def from_status(code: grpc.StatusCode, message: str, details: bytes | None) -> ModalmeshError:
    """The error behind a failed call, also when the status came from gRPC itself and has no details."""
    info, bad_request, retry = _parse_details(details)
    delay = retry.retry_delay.ToMicroseconds() / 1e6 if retry else 1.0
    reason = info.reason if info else None
    match code:
        case grpc.StatusCode.INVALID_ARGUMENT:
            kind = TooLarge if reason == TooLarge.reason else InvalidInput
            violations = bad_request.field_violations if bad_request else []
            if violations:
                return kind(violations[0].field, violations[0].description, reason=reason)
            return kind("", message, reason=reason)
        case grpc.StatusCode.NOT_FOUND:
            return NotFound(message, reason=reason)
        case grpc.StatusCode.FAILED_PRECONDITION:
            return ModelMismatch(message, reason=reason)
        case grpc.StatusCode.RESOURCE_EXHAUSTED if info is None and "larger than max" in message:
            # gRPC's own limit on a message answers the same code as overload.
            return TooLarge("", message)
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            # Of others than our servers, such as a proxy or a quota: one without a hint may last.
            return Overloaded(message, retry_after=delay if retry else math.inf, reason=reason)
        # CANCELLED by the other side: a server that stops so answers what it has received and not begun.
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.CANCELLED:
            part = info.metadata.get("part", "") if info else ""
            return Unavailable(part, message, retry_after=delay, reason=reason)
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return DeadlineExceeded(message, reason=reason)
        case _:
            return InternalError(message, reason=reason or code.name)


def from_rpc_error(error: grpc.RpcError) -> ModalmeshError:
    """The modalmesh error of what a stub raised, sync (grpc.Call) or async (grpc.aio.AioRpcError)."""
    if not isinstance(error, grpc.Call | grpc.aio.AioRpcError):
        return InternalError(str(error))
    metadata = dict(error.trailing_metadata() or ())
    details, request_id = metadata.get(DETAILS_KEY), metadata.get(REQUEST_ID_KEY)
    typed = from_status(error.code(), error.details() or "", details if isinstance(details, bytes) else None)
    if isinstance(request_id, str):
        typed.request_id = request_id
    return typed


def _clip(text: str) -> str:
    # Escaped, because a status can't carry half of a surrogate pair.
    raw = text.encode("utf-8", "backslashreplace")
    return f"{raw[:MESSAGE_BYTES].decode('utf-8', 'ignore')}..." if len(raw) > MESSAGE_BYTES else raw.decode()


def _parse_details(details: bytes | None) -> tuple[ErrorInfo | None, BadRequest | None, RetryInfo | None]:
    info, bad_request, retry = ErrorInfo(), BadRequest(), RetryInfo()
    found: set[str] = set()
    try:
        for detail in Status.FromString(details or b"").details:
            found.update(message.DESCRIPTOR.name for message in (info, bad_request, retry) if detail.Unpack(message))
    except DecodeError:
        return None, None, None
    return (
        info if "ErrorInfo" in found else None,
        bad_request if "BadRequest" in found else None,
        retry if "RetryInfo" in found else None,
    )
