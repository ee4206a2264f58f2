"""Figures with their intervals as SVG: a row a system, a dot for the figure, a line for its interval."""

from collections.abc import Mapping
from html import escape

from modalmesh_services.fusion_ranker.evaluation.bootstrap import Interval

_WIDTH, _ROW, _NAME, _RIGHT, _TOP, _BOTTOM = 760, 26, 190, 70, 8, 26
_TICKS = 5


def intervals(title: str, figures: Mapping[str, Interval], reference: str | None = None) -> str:
    """In the order of `figures`; the reference's figure is a line through all rows."""
    height = _TOP + _ROW * len(figures) + _BOTTOM
    most = max((interval.high for interval in figures.values()), default=0.0) or 1.0
    parts = [f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">']
    for tick in range(_TICKS + 1):
        value = most * tick / _TICKS
        x, base = _across(value, most), height - _BOTTOM
        parts.append(f'<path d="M{x:.1f} {_TOP}V{base}" class="grid"/>')
        parts.append(f'<text x="{x:.1f}" y="{height - 8}" class="tick">{value:.3f}</text>')
    if reference is not None and reference in figures:
        x = _across(figures[reference].value, most)
        parts.append(f'<path d="M{x:.1f} {_TOP}V{height - _BOTTOM}" class="reference"/>')
    for row, (name, interval) in enumerate(figures.items()):
        parts.append(_row(name, interval, _TOP + _ROW * (row + 0.5), most))
    return "".join([*parts, "</svg>"])


def _row(name: str, interval: Interval, y: float, most: float) -> str:
    low, value, high = (_across(end, most) for end in (interval.low, interval.value, interval.high))
    said = f"{name}: {interval.value:.4f}, 95 % interval {interval.low:.4f} to {interval.high:.4f}"
    return (
        f'<g><title>{escape(said)}</title><text x="{_NAME - 12}" y="{y + 4:.1f}" class="name">{escape(name)}</text>'
        f'<path d="M{low:.1f} {y:.1f}H{high:.1f}" class="interval"/>'
        f'<circle cx="{value:.1f}" cy="{y:.1f}" r="4" class="dot"/>'
        f'<text x="{_WIDTH - _RIGHT + 10}" y="{y + 4:.1f}" class="value">{interval.value:.4f}</text></g>'
    )


def _across(value: float, most: float) -> float:
    return _NAME + (_WIDTH - _NAME - _RIGHT) * min(max(value / most, 0.0), 1.0)
