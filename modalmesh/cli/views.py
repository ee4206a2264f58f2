"""Answers for people, as rich tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from modalmesh.data_folder import BadLine
from modalmesh.ingest import IngestSummary
from modalmesh.types import Explanation, Explanations, RankedItems, Served

_BAR = 16
_LISTED = 20
_NAMED = 10
# Of the fit of words and regions; what is stored in 16 bits is off by less.
_EXACT = 0.999


def plain_table(title: str, *columns: str, right: Sequence[str] = (), whole: Sequence[str] = ()) -> Table:
    """A table with light lines; the columns in `right` hold numbers, and neither they nor those in `whole` wrap."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(
            column,
            justify="right" if column in right else "left",
            no_wrap=column in right or column in whole,
            overflow="fold",
        )
    return table


def bar(share: float, width: int = _BAR) -> Text:
    """`share` of a full bar of `width` characters, 0 to 1."""
    filled = round(width * min(1.0, max(0.0, share)))
    return Text("━" * filled, "cyan") + Text("─" * (width - filled), "bright_black")


def ranked_view(title: str, ranked: RankedItems) -> RenderableType:
    if not ranked.items:
        return Group(Text(f"{title}: nothing", "yellow"), *_notes(ranked.served, ranked.unknown))
    table = plain_table(title, "", "item", "title", "score", " ", right=("", "score"))
    top = max(abs(item.score) for item in ranked.items) or 1.0
    for number, item in enumerate(ranked.items, start=1):
        because = item.explanation.sentence if item.explanation else ""
        name = Text(item.title) + Text(f"\n{because}" if because else "", "bright_black")
        table.add_row(str(number), Text(item.item_id, "cyan"), name, f"{item.score:.3f}", bar(item.score / top))
    return Group(table, *_notes(ranked.served, ranked.unknown))


def explanations_view(answer: Explanations) -> RenderableType:
    parts = [part for explanation in answer.explanations for part in _explanation(explanation)]
    return Group(*parts, *_notes(answer.served))


def _explanation(explanation: Explanation) -> list[RenderableType]:
    head = Text.assemble((explanation.item_id, "bold cyan"), f"  probability {explanation.probability:.3f}")
    signals = plain_table("Signals", "signal", "contribution", "share", " ", right=("contribution", "share"))
    for signal in explanation.signals:
        signals.add_row(escape(signal.signal), f"{signal.contribution:+.3f}", f"{signal.share:.0%}", bar(signal.share))
    history = plain_table("History that counted", "item", "contribution", "share", " ", right=("contribution", "share"))
    for seen in explanation.history:
        history.add_row(escape(seen.item_id), f"{seen.contribution:+.3f}", f"{seen.share:.0%}", bar(seen.share))
    return [head, Text(explanation.sentence, "italic"), signals, history, *_words(explanation), *_regions(explanation)]


def _words(explanation: Explanation) -> list[RenderableType]:
    """Those that count most, for it and against it."""
    if not explanation.words:
        return []
    table = plain_table(
        _named("Words that counted", explanation.words_fit),
        "word",
        "in",
        "contribution",
        "share",
        " ",
        right=("contribution", "share"),
    )
    for word in sorted(explanation.words, key=lambda each: -each.share)[:_NAMED]:
        table.add_row(
            Text(word.text), escape(word.field), f"{word.contribution:+.3f}", f"{word.share:.0%}", bar(word.share)
        )
    return [table]


def _regions(explanation: Explanation) -> list[RenderableType]:
    if not explanation.regions:
        return []
    table = plain_table(
        _named("Regions that counted", explanation.regions_fit),
        "picture",
        "across",
        "down",
        "contribution",
        "share",
        " ",
        right=("picture", "contribution", "share"),
    )
    for each in sorted(explanation.regions, key=lambda each: -each.share)[:_NAMED]:
        table.add_row(
            str(each.picture),
            f"{each.left:.0%} to {each.right:.0%}",
            f"{each.top:.0%} to {each.bottom:.0%}",
            f"{each.contribution:+.3f}",
            f"{each.share:.0%}",
            bar(each.share),
        )
    return [table]


def _named(title: str, fit: float) -> str:
    """What is not exact says so."""
    return title if fit >= _EXACT else f"{title} (approximately: the encoder pools otherwise, fit {fit:.3f})"


def _notes(served: Served, unknown: Sequence[str] = ()) -> list[RenderableType]:
    notes: list[RenderableType] = [Text(f"served by {served.served_by}", "bright_black")] if served.served_by else []
    if served.lacked:
        lacks = ", ".join(f"{lack.part} ({lack.reason})" for lack in served.lacked)
        notes.append(Text(f"degraded, for it lacked {lacks}", "yellow"))
    if unknown:
        notes.append(Text(f"no such item: {', '.join(unknown)}", "yellow"))
    return notes


def ingest_view(summary: IngestSummary, where: str) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bright_black")
    table.add_column(justify="right")
    table.add_column(style="bright_black")
    table.add_row("items", f"{summary.items:,}", f"{summary.unchanged:,} unchanged, {summary.pending:,} pending")
    table.add_row("events", f"{summary.events:,}", f"{summary.duplicates:,} known before")
    table.add_row("encoded", f"{summary.encoded_texts:,}", f"texts, {summary.encoded_images:,} pictures")
    table.add_row("from cache", f"{summary.cache_hits:,}", "embeddings")
    table.add_row("refused", f"{summary.refused_count:,}", f"{summary.failed:,} lines failed altogether")
    table.add_row("seconds", f"{summary.seconds:.1f}", "")
    return Group(Text(f"{where} is in", "bold"), table, *_refused(summary.refused, summary.refused_count))


def training_view(document: Mapping[str, Any]) -> RenderableType:
    """What `modalmesh train` did."""
    data, stages = document["data"], document["stages"]
    table = plain_table("Learned", "stage", "steps", "loss", "validation", "", right=("steps", "loss", "validation"))
    for stage, own in stages.items():
        measured = [f"{own[name]:.4f}" if own[name] is not None else "" for name in ("loss", "validation")]
        by = own["validated_by"] if own["validation"] is not None else ""
        table.add_row(escape(stage), f"{own['steps']:,}", *measured, Text(by, "bright_black"))
    head = Text.assemble(
        (document["system"], "bold cyan"),
        f" learned from {data['users']:,} users and {data['events']:,} events of {data['items']:,} items"
        f" in {document['seconds']:.0f} s",
    )
    revision = Text(f"revision {document['revision']}", "bright_black")
    return Group(
        head, *([table] if stages else []), *(Text(each, "yellow") for each in document["consequences"]), revision
    )


def _refused(refused: Sequence[BadLine], count: int) -> list[RenderableType]:
    if not refused:
        return []
    table = plain_table("Refused", "file", "line", "field", "reason", right=("line",))
    for bad in refused[:_LISTED]:
        table.add_row(bad.file, str(bad.line), escape(bad.field), escape(bad.message))
    more = count - min(len(refused), _LISTED)
    return [table, Text(f"and {more:,} more; --json lists the first {len(refused):,}", "yellow")] if more else [table]
