"""When a failed call is tried again, and which error a caller sees when it isn't.

gRPC's own retry policy counts tries and can't read RetryInfo; here a call's deadline alone ends them.
"""

import math
import secrets
from collections.abc import Iterator
from typing import Any

import grpc

from modalmesh.client import clock
from modalmesh.client.backoff import backoff
from modalmesh.client.calls import Call
from modalmesh.client.peer import CONNECTION_LOST, Peer, is_no_connection
from modalmesh.errors import DeadlineExceeded, ModalmeshError, Overloaded, Unavailable
from modalmesh.status import REQUEST_ID_KEY


class Attempts:
    """The tries of one call under one deadline. `timeout` is in seconds, math.inf for none; without one the call is
    tried again for the client's own timeout. What isn't `repeatable` is tried once.
    """

    def __init__(self, peer: Peer, call: Call[Any], timeout: float) -> None:
        self._peer = peer
        self._budget = peer.budget(call.method)
        self._repeatable = call.repeatable
        self._began = clock.now()
        self._deadline = self._began + timeout
        self._give_up = self._deadline
        self._tries = 0
        self._waits = 0
        self._begun = False
        self._last: ModalmeshError | None = None
        # Named here, so that the logs can be searched for a call that no answer came back of.
        self._request_id = secrets.token_hex(16)

    @property
    def options(self) -> dict[str, Any]:
        """What a try is called with."""
        return {"timeout": self.remaining, "metadata": ((REQUEST_ID_KEY, self._request_id),)}

    @property
    def remaining(self) -> float | None:
        """Seconds left for this try; None where there is no deadline."""
        return None if math.isinf(self._deadline) else max(0.0, self._deadline - clock.now())

    def answered(self) -> None:
        """Something came back: from here on the call can't be repeated unseen, and a lost peer may return."""
        if not self._begun:
            self._begun = self._peer.answered = True
            self._budget.succeeded(took=self._tries > 0)

    def waits_after(self, error: grpc.RpcError) -> Iterator[float]:
        """Seconds to sleep before the next try, one wait after another: more than one where the client's budget of
        tries is spent.

        Raises:
            ModalmeshError: the typed error, when another try is no use or there is no time for one.
        """
        was_reached = self._peer.answered
        typed = self._peer.error_of(error)
        if not isinstance(typed, Unavailable | Overloaded | DeadlineExceeded) and not self._begun:
            self._budget.succeeded(took=self._tries > 0)
        self._tries += 1
        if math.isinf(self._give_up):
            self._give_up = clock.now() + self._peer.patience
        hint = self._hint(typed, was_reached)
        while True:
            wait = backoff(self._waits, hint)
            if clock.now() + wait >= self._give_up:
                raise self._told(typed) from error
            self._last = typed
            self._waits += 1
            yield wait
            hint = 0.0
            if self._budget.take(clock.now()):
                return

    def _hint(self, error: ModalmeshError, was_reached: bool) -> float:
        """In how many seconds the call may be tried again at the soonest; math.inf for never."""
        if self._begun or not self._repeatable or not isinstance(error, Unavailable | Overloaded):
            return math.inf
        if is_no_connection(error):
            return 0.0 if was_reached else math.inf
        return error.retry_after

    def _told(self, error: ModalmeshError) -> ModalmeshError:
        """The error, with what was done about it."""
        error.tries, error.seconds = self._tries, clock.now() - self._began
        if isinstance(error, DeadlineExceeded) or error.reason == CONNECTION_LOST:
            error.request_id = self._request_id
        if isinstance(error, DeadlineExceeded) and self._last:
            error.message += f"; the try before failed: {self._last.message}"
        return error
