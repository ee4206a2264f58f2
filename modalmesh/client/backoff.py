"""How long a call waits before it is tried again. All in seconds."""

import random

FIRST_WAIT = 0.25
LONGEST_WAIT = 2.0
"""A part that is back is found within this and a gRPC connection's own two seconds."""

_ENOUGH_DOUBLINGS = 16


def backoff(waits: int, hint: float) -> float:
    """After `waits` earlier waits: twice as long each time up to the longest, and never before the server's `hint`.

    Callers that failed together must not come back together: each takes between half and all of the wait, or up to a
    quarter more than the hint.
    """
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(waits, _ENOUGH_DOUBLINGS))
    return max(longest * random.uniform(0.5, 1.0), hint * random.uniform(1.0, 1.25))  # noqa: S311 - guards nothing
