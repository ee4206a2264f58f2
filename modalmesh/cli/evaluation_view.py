"""`modalmesh evaluate` for people: a table a protocol."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from modalmesh.cli.views import bar, plain_table

_FIGURES = ("ndcg@10", "recall@20")
_COLD = "cold_items"


def evaluation_view(document: Mapping[str, Any]) -> RenderableType:
    """The figures by which rankers are chosen, with 95 % intervals; the best first."""
    tables = [_table(protocol, systems) for protocol, systems in document["protocols"].items() if systems]
    return Group(*tables, *_missing(document))


def _table(protocol: str, systems: Mapping[str, Mapping[str, Any]]) -> RenderableType:
    chosen = _FIGURES[protocol.startswith(_COLD)]
    table = plain_table(protocol, "system", *_FIGURES, " ", "seconds", right=(*_FIGURES, "seconds"), whole=("system",))
    ordered = sorted(systems.items(), key=lambda pair: -pair[1].get(chosen, 0.0))
    top = max(figures.get(chosen, 0.0) for figures in systems.values()) or 1.0
    for name, figures in ordered:
        shown = [_figure(figures, figure) for figure in _FIGURES]
        table.add_row(Text(name, "cyan"), *shown, bar(figures.get(chosen, 0.0) / top), f"{figures['seconds']:,.1f}")
    return table


def _figure(figures: Mapping[str, Any], name: str) -> Text:
    if name not in figures:
        return Text("")
    low, high = figures["low"].get(name), figures["high"].get(name)
    interval = f" {low:.3f} to {high:.3f}" if low is not None and high is not None else ""
    return Text(f"{figures[name]:.4f}") + Text(interval, "bright_black")


def _missing(document: Mapping[str, Any]) -> Iterator[Text]:
    for protocol, why in document["skipped"].items():
        yield Text(f"{protocol}: skipped, {why}", "yellow")
    for protocol, systems in document["failed"].items():
        for system, why in systems.items():
            yield Text(f"{protocol}: {system} failed, {why}", "red")
