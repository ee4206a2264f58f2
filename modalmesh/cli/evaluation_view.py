"""`modalmesh evaluate` for people: a table a protocol."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from modalmesh.cli.views import bar, plain_table

_FIGURES = ("ndcg@10", "recall@20")


def evaluation_view(document: Mapping[str, Any]) -> RenderableType:
    """The figures by which rankers are chosen, with 95 % intervals; the best first."""
    tables = [_table(protocol, systems) for protocol, systems in document["protocols"].items()]
    skipped = [Text(f"{name}: skipped, {why}", "yellow") for name, why in document["skipped"].items()]
    return Group(*tables, *skipped)


def _table(protocol: str, systems: Mapping[str, Mapping[str, Any]]) -> RenderableType:
    table = plain_table(protocol, "system", *_FIGURES, " ", "seconds", right=(*_FIGURES, "seconds"), whole=("system",))
    chosen = _FIGURES[0]
    ordered = sorted(systems.items(), key=lambda pair: -_value(pair[1], chosen))
    top = max((_value(figures, chosen) for figures in systems.values()), default=0.0) or 1.0
    for name, figures in ordered:
        shown = [_figure(figures.get(figure)) for figure in _FIGURES]
        table.add_row(
            Text(name, "cyan"), *shown, bar(_value(figures, chosen) / top), f"{figures.get('seconds', 0.0):,.1f}"
        )
    return table


def _value(figures: Mapping[str, Any], name: str) -> float:
    return float(figures.get(name, {}).get("value") or 0.0)


def _figure(figure: Mapping[str, Any] | None) -> str:
    if figure is None or figure.get("value") is None:
        return ""
    interval = f" [{figure['low']:.3f}, {figure['high']:.3f}]" if "low" in figure else ""
    return f"{figure['value']:.4f}{interval}"
