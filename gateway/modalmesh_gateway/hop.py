"""A call to another service: with the caller's deadline, request id and trace, and errors that name the part."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from modalmesh.errors import DeadlineExceeded, InternalError, ModalmeshError, Overloaded, Unavailable
from modalmesh.status import REQUEST_ID_KEY, from_rpc_error
from modalmesh_services.common.deadline import Deadline
from modalmesh_services.common.observability import tracing
from modalmesh_services.common.observability.current_call import current_call

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class GrpcPart:
    """Another service, by its stub. `service` is its full protobuf name."""

    def __init__(self, name: str, address: str, service: str, stub: Any) -> None:
        self._name = name
        self._address = address
        self._service = service
        self._stub = stub

    @property
    def name(self) -> str:
        return self._name

    @property
    def address(self) -> str:
        return self._address

    async def _ask(self, method: str, request: Message, deadline: Deadline, read: Callable[[Any], Answer]) -> Answer:
        """Call a method of the stub and read its answer.

        Raises:
            Unavailable, Overloaded: with the part's name. Also where it refuses what the gateway asks, or answers what
                can't be: then it and the gateway don't fit, and no input of a caller is to blame.
        """
        try:
            with tracing.hop(f"{self._service}/{method}", deadline) as carrier:
                metadata = (*_request_id(), *carrier.items())
                response = await getattr(self._stub, method)(request, timeout=deadline.remaining, metadata=metadata)
            return read(response)
        except grpc.aio.AioRpcError as error:
            raise self._name_part(from_rpc_error(error)) from error
        except ModalmeshError as error:
            logger.warning("%s gave an answer that can't be used: %s", self._name, error.reason)
            raise self._name_part(error) from error

    def _name_part(self, error: ModalmeshError) -> ModalmeshError:
        match error:
            case Unavailable():
                return Unavailable(
                    self._name, f"{self._name}: {error.message}", retry_after=error.retry_after, reason=error.reason
                )
            case Overloaded():
                return Overloaded(f"{self._name}: {error.message}", retry_after=error.retry_after, reason=error.reason)
            case DeadlineExceeded():
                return Unavailable(self._name, f"{self._name} did not answer in time", reason="TIMEOUT")
            case InternalError():
                return Unavailable(self._name, f"{self._name} failed: {error.message}", reason="INTERNAL")
            case _:
                return Unavailable(self._name, f"{self._name}: {error.message}", reason=error.reason)


def _request_id() -> tuple[tuple[str, str], ...]:
    """Of the call that this is done for; work of nobody's gets an id of its own at the other end."""
    call = current_call()
    return ((REQUEST_ID_KEY, call.request_id),) if call else ()
