"""The names of gRPC's status codes, as the caller gets them."""

import asyncio
from typing import Any

import grpc

from modalmesh_services.common.handlers import Context

_CODES: dict[int, str] = {code.value[0]: code.name for code in grpc.StatusCode}


def status_name(error: BaseException | None, context: Context) -> str:
    """Of a call that ended with this error or none; what its caller gets, or would if it still waited.

    gRPC cancels a call for its deadline as for its caller's leaving; an error that nobody made a status of is UNKNOWN.
    """
    # As it was set: a StatusCode or its number; None by one of gRPC's contexts.
    code: Any = context.code()
    if error is None or isinstance(error, grpc.aio.AbortError):
        return code.name if isinstance(code, grpc.StatusCode) else _CODES[code or 0]
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        remaining = context.time_remaining()
        return "DEADLINE_EXCEEDED" if remaining is not None and remaining <= 0 else "CANCELLED"
    return "UNKNOWN"
