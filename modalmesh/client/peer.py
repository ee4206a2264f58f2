"""Where a client's calls go, and what all of them have learned of it."""

import math

import grpc

from modalmesh.client.budget import RetryBudget
from modalmesh.client.channel import DEFAULT_TIMEOUT
from modalmesh.client.connecting import why_unreached, why_unsafe
from modalmesh.errors import DeadlineExceeded, ModalmeshError, Unavailable
from modalmesh.status import from_rpc_error
from modalmesh.tls import Tls

CONNECTION_LOST = "CONNECTION_LOST"


class Peer:
    """Whether anything there has ever answered, and how much it may be asked again.

    `patience` is for how many seconds a call without a deadline is tried again.
    """

    def __init__(self, address: str, tls: Tls | None = None, timeout: float = DEFAULT_TIMEOUT) -> None:
        self.address = address
        self.answered = False
        self._budgets: dict[str, RetryBudget] = {}
        self.patience = timeout if math.isfinite(timeout) else DEFAULT_TIMEOUT
        self._tls = tls

    def budget(self, method: str) -> RetryBudget:
        """A method's own: while a part is away, calls that do without it must not wait for those that can't."""
        return self._budgets.setdefault(method, RetryBudget())

    def error_of(self, error: grpc.RpcError) -> ModalmeshError:
        """The typed error of a failed call; one that never reached a gateway says where it looked and what to do."""
        typed = from_rpc_error(error)
        if not _is_lost_connection(typed):
            # A deadline may have passed here alone; who answers says which request it was.
            self.answered |= bool(typed.request_id) or not isinstance(typed, DeadlineExceeded)
            return typed
        if unsafe := why_unsafe(self.address, self._tls, typed.message):
            return unsafe
        if self.answered:
            return Unavailable("gateway", f"lost the mesh at {self.address}: {typed.message}", reason=CONNECTION_LOST)
        return why_unreached(self.address, self._tls, typed.message)


def is_no_connection(error: ModalmeshError) -> bool:
    """Whether this end found out by itself, so that no server has said when to come back."""
    return error.reason.startswith(("CONNECTION_", "TLS_"))


def _is_lost_connection(error: ModalmeshError) -> bool:
    """Whether gRPC itself said UNAVAILABLE: the gateway always names the part that is down."""
    return isinstance(error, Unavailable) and not error.part
