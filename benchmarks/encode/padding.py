"""How much a service pads, by its own metrics."""

import re
import urllib.request
from collections.abc import Mapping

_COUNTER = re.compile(r"^\w*?(computed|real)_tokens(?:_total)?(?:\{[^}]*\})? ([0-9.eE+]+)$", re.MULTILINE)


def read(url: str) -> dict[str, float]:
    """Tokens so far: `computed` with padding and `real` without; empty where the service doesn't count them."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own server's address
        return parse(answer.read().decode())


def parse(text: str) -> dict[str, float]:
    """Of Prometheus' text format."""
    return {name: float(value) for name, value in _COUNTER.findall(text)}


def ratio(before: Mapping[str, float], after: Mapping[str, float]) -> float | None:
    """Of what was computed between two readings; None where nothing was counted."""
    real = after.get("real", 0.0) - before.get("real", 0.0)
    return (after["computed"] - before["computed"]) / real if real else None
