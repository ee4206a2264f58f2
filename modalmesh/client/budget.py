"""How much one client may burden a mesh that is in trouble with calls of one method that are tried again."""

import threading

_MOST = 20.0
_A_SECOND = 10.0
_A_SUCCESS = 0.1


class RetryBudget:
    """Tokens, of which each further try takes one and a success brings it back. Safe to share between threads.

    So only tries that fail use them up: over any time at most 20, and 10 a second, and a tenth of what succeeded. A
    client of few callers never notices. One of many sends next to nothing into an outage, and afterwards lets its
    callers go as fast as they succeed. `now` is in seconds, of any clock that doesn't go back.
    """

    def __init__(self) -> None:
        self._tokens = _MOST
        self._filled_at: float | None = None
        self._lock = threading.Lock()

    def take(self, now: float) -> bool:
        """Whether a further try may go now."""
        with self._lock:
            passed = 0.0 if self._filled_at is None else max(0.0, now - self._filled_at)
            self._filled_at = now if self._filled_at is None else max(now, self._filled_at)
            self._add(passed * _A_SECOND)
            if self._tokens < 1.0:
                return False
            self._tokens -= 1.0
            return True

    def succeeded(self, took: bool) -> None:
        """A try was answered; `took` where it had taken a token."""
        with self._lock:
            self._add(took + _A_SUCCESS)

    def _add(self, tokens: float) -> None:
        self._tokens = min(_MOST, self._tokens + tokens)
