"""An evaluation -> HTML. The template lies beside this file; everything in it is escaped but our own drawings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from modalmesh.local.pages import templates, write_page
from modalmesh_services.fusion_ranker.evaluation.bootstrap import Interval
from modalmesh_services.fusion_ranker.evaluation.plans import COLD_REFERENCE
from modalmesh_services.fusion_ranker.evaluation.report.drawing import intervals
from modalmesh_services.fusion_ranker.evaluation.results import Evaluation, SystemResult

LISTS = ("ndcg@10", "recall@20", "precision@10", "f1@10", "mrr", "hit_rate@10")
BEYOND = ("coverage@10", "novelty@10", "diversity@10", "popularity_bias@10")
_PAIRS, _GROUPS = "pairs.", ("ndcg@10.", "recall@20.")


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` are a system's name and a cell a column; a cell is None where nothing can be said."""

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Interval | None]]]


@dataclass(frozen=True, slots=True)
class Section:
    """One protocol. `compared` are a system's name, and difference and ratio of `chosen` to `reference`."""

    protocol: str
    chosen: str
    reference: str
    drawing: Markup
    compared: Sequence[tuple[str, Interval, Interval]]
    tables: Sequence[Table]
    failed: Sequence[tuple[str, str]]
    seconds: Sequence[tuple[str, float]]


def render(evaluation: Evaluation, source: str, consequences: Sequence[str] = ()) -> str:
    """One page that needs nothing but itself."""
    environment = templates("modalmesh_services.fusion_ranker.evaluation.report")
    environment.filters["group"] = lambda name: name.replace(".", " · ").replace("_", " ")
    return environment.get_template("page.html.jinja").render(
        source=source,
        consequences=consequences,
        sections=[_section(evaluation, protocol) for protocol in evaluation.protocols],
        skipped=sorted(evaluation.skipped.items()),
    )


def write_report(evaluation: Evaluation, source: str, consequences: Sequence[str], path: Path) -> None:
    """Whoever reads the file sees the old page or the new one.

    Raises:
        OSError: it can't be written there.
    """
    write_page(render(evaluation, source, consequences), path)


def chosen_figure(evaluation: Evaluation, protocol: str) -> str:
    """What a protocol is looked at by: of a few cold items, more of the list counts."""
    return "recall@20" if evaluation.references.get(protocol) == COLD_REFERENCE else "ndcg@10"


def _section(evaluation: Evaluation, protocol: str) -> Section:
    chosen, name = chosen_figure(evaluation, protocol), evaluation.references.get(protocol, "")
    results = dict(sorted(evaluation.protocols[protocol].items(), key=lambda pair: -pair[1].mean(chosen)))
    reference = results.get(name)
    figures = {system: own.intervals[chosen] for system, own in results.items()}
    compared = [
        (system, own.difference(chosen, reference), own.ratio(chosen, reference))
        for system, own in results.items()
        if reference and system != name
    ]
    return Section(
        protocol,
        chosen,
        name if reference else "",
        # Drawn here of numbers and escaped names.
        Markup(intervals(f"{chosen} under {protocol}", figures, name)),  # noqa: S704
        compared,
        list(_tables(results)),
        sorted(evaluation.failed.get(protocol, {}).items()),
        [(system, own.seconds) for system, own in results.items()],
    )


def _tables(results: dict[str, SystemResult]) -> Iterator[Table]:
    names = list(dict.fromkeys(name for own in results.values() for name in own.intervals))
    for title, columns in (
        ("Lists", LISTS),
        ("Beyond hits", BEYOND),
        ("Held-out pairs, at threshold 0.5", [name for name in names if name.startswith(_PAIRS)]),
        ("By what the wanted items have", [name for name in names if name.startswith(_GROUPS)]),
    ):
        if columns:
            rows = [(system, [own.intervals.get(name) for name in columns]) for system, own in results.items()]
            yield Table(title, columns, rows)
