"""When a failed call is tried again, and which error a caller sees when it isn't.

All calls may be repeated: items are compared by their content and events by their id, so a second write adds
nothing. gRPC's own retry policy can't read RetryInfo, therefore the tries are counted here.
"""

import math
import random
import time

import grpc

from modalmesh.client.connecting import why_unreached, why_unsafe
from modalmesh.errors import ModalmeshError, Overloaded, Unavailable
from modalmesh.status import from_rpc_error
from modalmesh.tls import Tls

TRIES = 6
"""With the waits between them: longer than the 5 s in which a supervisor brings a gateway back."""

_FIRST_WAIT = 0.25
_LONGEST_WAIT = 2.0


class Peer:
    """Where the calls go, and whether anything there has ever answered."""

    def __init__(self, address: str, tls: Tls | None = None) -> None:
        self.address = address
        self._tls = tls
        self.answered = False

    def error_of(self, error: grpc.RpcError) -> ModalmeshError:
        """The typed error of a failed call; one that never reached a gateway says where it looked and what to do."""
        typed = from_rpc_error(error)
        if not _is_lost_connection(typed):
            self.answered = True
            return typed
        if unsafe := why_unsafe(self.address, self._tls, typed.message):
            return unsafe
        if self.answered:
            return Unavailable("gateway", f"lost the mesh at {self.address}: {typed.message}", reason="CONNECTION_LOST")
        return why_unreached(self.address, self._tls, typed.message)


class Attempts:
    """The tries of one call under one deadline. `timeout` is in seconds, math.inf for none."""

    def __init__(self, peer: Peer, timeout: float) -> None:
        self._peer = peer
        self._end = time.monotonic() + timeout
        self._tries = 0

    @property
    def remaining(self) -> float | None:
        """Seconds left for this try; None where there is no deadline."""
        return None if math.isinf(self._end) else max(0.0, self._end - time.monotonic())

    def answered(self) -> None:
        """Something came back: from here on the call can't be repeated unseen, and a lost peer may return."""
        self._peer.answered = True
        self._tries = TRIES

    def wait_after(self, error: grpc.RpcError) -> float:
        """Seconds to wait before the next try.

        Raises:
            ModalmeshError: the typed error, when another try is no use or there is no time for one.
        """
        was_reached = self._peer.answered
        typed = self._peer.error_of(error)
        self._tries += 1
        wait = self._wait(typed)
        hopeless = self._tries >= TRIES or (not was_reached and _is_no_connection(typed))
        if wait is None or hopeless or time.monotonic() + wait >= self._end:
            raise typed from error
        return wait

    def _wait(self, error: ModalmeshError) -> float | None:
        backoff = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** (self._tries - 1))
        if not isinstance(error, Unavailable | Overloaded):
            return None
        wait = backoff if _is_no_connection(error) else max(backoff, error.retry_after)
        # Callers that failed together must not come back together.
        return wait * random.uniform(1.0, 1.25)  # noqa: S311 - spreads load, guards nothing


def _is_lost_connection(error: ModalmeshError) -> bool:
    """Whether gRPC itself said UNAVAILABLE: the gateway always names the part that is down."""
    return isinstance(error, Unavailable) and not error.part


def _is_no_connection(error: ModalmeshError) -> bool:
    return error.reason.startswith(("CONNECTION_", "TLS_"))
