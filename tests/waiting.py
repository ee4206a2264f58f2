"""Waiting for what happens in other processes."""

import time
from collections.abc import Callable


def eventually(happened: Callable[[], object], seconds: float = 10.0) -> float:
    """Look again and again until it is so; how long it took.

    Raises:
        AssertionError: it wasn't so in time.
    """
    begun = time.monotonic()
    while not happened():
        assert time.monotonic() - begun < seconds, f"not so within {seconds} s"
        time.sleep(0.01)
    return time.monotonic() - begun
