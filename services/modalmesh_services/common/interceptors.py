"""Errors become status codes here, and nowhere else."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NoReturn, TypeAlias, cast

import grpc
from google.protobuf.message import DecodeError

from modalmesh.errors import InternalError, InvalidInput, ModalmeshError
from modalmesh.status import DETAILS_KEY, public_message, status_code, to_status
from modalmesh_services.common.deadline import Deadline
from modalmesh_services.common.ending import end_all
from modalmesh_services.common.handlers import Context, Handler, behaviour_of, with_behaviour

logger = logging.getLogger(__name__)

Know: TypeAlias = Callable[[], AbstractContextManager[None]]


def deadline_of(context: Context, default_seconds: float | None = None) -> Deadline:
    """The caller's deadline; `default_seconds` from now where it set none."""
    remaining = context.time_remaining()
    # Without a deadline gRPC answers None or, from the sync core, 9.2e18.
    return Deadline.after(default_seconds if remaining is None or remaining > 1e9 else remaining)


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """A ModalmeshError is answered with its own status; any other error with a fixed text, and logged.

    Requests are read here too: gRPC itself answers bytes that are no message with UNKNOWN, and logs a traceback.
    """

    def __init__(self) -> None:
        self._calls: set[asyncio.Task[Any]] = set()
        self._guarded: dict[str, Handler] = {}

    async def end_calls(self) -> None:
        """End the calls that a stopped server left: gRPC cancels them, but doesn't wait for their end."""
        await end_all(self._calls)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        # gRPC asks for every call.
        if guarded := self._guarded.get(details.method):
            return guarded
        handler = await continuation(details)
        if handler is None or details.method.startswith("/grpc."):
            return handler
        self._guarded[details.method] = guarded = self._guard(handler, details.method)
        return guarded

    def _guard(self, handler: Handler, method: str) -> Handler:
        wrap = _guard_stream if handler.response_streaming else _guard_unary
        behaviour = _reading(behaviour_of(handler), handler)
        return with_behaviour(handler, wrap(behaviour, method, self._know), None)

    @contextmanager
    def _know(self) -> Iterator[None]:
        """Remember the task of a call while it runs."""
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._calls.add(task)
        try:
            yield
        finally:
            self._calls.discard(task)


def _reading(behaviour: Callable[[Any, Context], Any], handler: Handler) -> Callable[[Any, Context], Any]:
    """The same behaviour for requests that are still bytes."""
    deserialize = handler.request_deserializer

    def read(raw: bytes) -> Any:
        try:
            return deserialize(raw) if deserialize else raw
        except DecodeError as error:
            raise InvalidInput("request", f"can't be read: {error}", reason="NOT_A_MESSAGE") from error

    async def read_all(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        async for raw in requests:
            yield read(raw)

    if handler.request_streaming:
        return lambda requests, context: behaviour(read_all(requests), context)
    return lambda request, context: behaviour(read(request), context)


def _guard_unary(
    behaviour: Callable[[Any, Context], Awaitable[Any]], method: str, know: Know
) -> Callable[..., Awaitable[Any]]:
    async def guarded(request: Any, context: Context) -> Any:
        try:
            with know():
                return await behaviour(request, context)
        except (asyncio.CancelledError, grpc.aio.AbortError):
            raise
        except Exception as error:  # noqa: BLE001 - the one place where every error gets its status
            await _abort(context, error, method)

    return guarded


def _guard_stream(
    behaviour: Callable[[Any, Context], AsyncIterator[Any]], method: str, know: Know
) -> Callable[..., AsyncIterator[Any]]:
    async def guarded(request: Any, context: Context) -> AsyncIterator[Any]:
        try:
            with know():
                async for response in behaviour(request, context):
                    yield response
        except (asyncio.CancelledError, grpc.aio.AbortError):
            raise
        except Exception as error:  # noqa: BLE001 - the one place where every error gets its status
            await _abort(context, error, method)

    return guarded


async def _abort(context: Context, error: Exception, method: str) -> NoReturn:
    if not isinstance(error, ModalmeshError):
        logger.exception("%s failed", method, exc_info=error)
        error = InternalError("internal error; the server's log has the details")
    status = to_status(error)
    # The request's id is there already.
    before = context.trailing_metadata() or ()
    context.set_trailing_metadata((*before, (DETAILS_KEY, status.SerializeToString())))
    await context.abort(status_code(error), public_message(error))
