"""A curve as SVG, to be put into a page."""

from collections.abc import Sequence
from html import escape

_WIDTH, _HEIGHT = 420, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 12, 28


def curve(title: str, places: Sequence[int], values: Sequence[float]) -> str:
    """A line through the points, with the range of both axes; `values` are finite, one a place."""
    low, high = min(values), max(values)
    spread = (high - low) or 1.0
    first, last = places[0], places[-1]
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def at(place: int, value: float) -> str:
        across = (place - first) / ((last - first) or 1)
        return f"{_LEFT + width * across:.1f},{_TOP + height * (1 - (value - low) / spread):.1f}"

    points = " ".join(at(place, value) for place, value in zip(places, values, strict=True))
    base, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    dot_x, dot_y = at(last, values[-1]).split(",")
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'<path d="M{_LEFT} {_TOP}V{base}H{right}" class="axis"/>'
        f'<polyline points="{points}" class="line"/><circle cx="{dot_x}" cy="{dot_y}" r="3" class="dot"/>'
        f'<text x="{_LEFT - 6}" y="{_TOP + 4}" class="end">{high:.4g}</text>'
        f'<text x="{_LEFT - 6}" y="{base}" class="end">{low:.4g}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 8}">{first}</text>'
        f'<text x="{right}" y="{_HEIGHT - 8}" class="end">{last}</text></svg>'
    )
