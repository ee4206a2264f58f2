"""A line a failed call, which says what failed and how, and nothing of what was asked. Knows no grpc."""

import logging
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

LINES_A_SECOND = 10
"""Of one method and code: refusing must stay cheap when thousands are refused."""

# What the caller did, or may do at any time; all else is for the operator to look at.
_CALLERS = frozenset(
    {
        "CANCELLED",
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "UNAUTHENTICATED",
        "FAILED_PRECONDITION",
        "OUT_OF_RANGE",
    }
)


class AccessLog:
    """Belongs to one event loop. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # By method and code: the second that is being counted, its lines, and how many were left out.
        self._counts: dict[tuple[str, str], tuple[float, int, int]] = {}

    def failed(self, method: str, code: str, seconds: float) -> None:
        """Log it, unless too many lines of the same are logged already: the next line says how many weren't."""
        second, lines, left_out = self._counts.get((method, code), (-1.0, 0, 0))
        now = self._clock()
        if now - second >= 1.0:
            second, lines = now, 0
        if lines >= LINES_A_SECOND:
            self._counts[method, code] = (second, lines, left_out + 1)
            return
        self._counts[method, code] = (second, lines + 1, 0)
        level = logging.INFO if code in _CALLERS else logging.WARNING
        more = f", and {left_out} more like it" if left_out else ""
        fields = {"code": code, "seconds": round(seconds, 6), "left_out": left_out}
        logger.log(level, "%s: %s after %.3f s%s", method, code, seconds, more, extra={"fields": fields})
